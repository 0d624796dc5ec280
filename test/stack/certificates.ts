import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, made by openssl in a folder; signs certificates for the time of a test. */
export class Authority {
  readonly certificate: string;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.certificate = join(folder, `${name}.crt`);
    openssl(['req', '-x509', ...this.#newKey(name), '-out', this.certificate, '-days', '2']);
  }

  /** A certificate for `localhost` and 127.0.0.1. */
  sign(name: string): CertificateFiles {
    const at = (ending: string): string => join(this.folder, `${name}.${ending}`);
    openssl(['req', ...this.#newKey(name), '-out', at('csr')]);
    writeFileSync(
      at('cnf'),
      'basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n',
    );
    const by = ['-CA', this.certificate, '-CAkey', join(this.folder, `${this.name}.key`), '-CAcreateserial'];
    openssl([
      'x509',
      '-req',
      '-in',
      at('csr'),
      ...by,
      '-days',
      '2',
      '-extfile',
      at('cnf'),
      '-out',
      at('crt'),
    ]);
    return { cert: at('crt'), key: at('key') };
  }

  #newKey(name: string): string[] {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    return [...curve, '-keyout', join(this.folder, `${name}.key`), '-subj', `/CN=${name}`];
  }
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
