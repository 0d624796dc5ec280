import { sha256 } from '../core/digest.js';
import { TerminalError } from '../core/errors.js';
import { generationName, Manifest, manifestName, stageKey } from './manifest.js';
import type { ObjectStore } from './object-store.js';

/** Finished stages by key. */
export class Manifests {
  constructor(private readonly objects: ObjectStore) {}

  address(stage: string, key: string): string {
    return this.objects.address(manifestName(stage, key));
  }

  /** The manifest of a finished stage, or null. A broken one is a {@link TerminalError} that names it. */
  async find(stage: string, key: string): Promise<Manifest | null> {
    const bytes = await this.objects.read(manifestName(stage, key));
    return bytes === null ? null : this.#parse(stage, key, bytes);
  }

  /**
   * Publishes a result; when another attempt was first, its manifest is returned and holds. A rerun's takes the place of
   * what stands there, unless that is of the same rerun; both are kept as generations of the key first.
   */
  async publish(manifest: Manifest): Promise<Manifest> {
    const { key } = manifest;
    const { stage } = manifest.parts;
    const { rerun } = manifest.producer;
    const name = manifestName(stage, key);
    const bytes = Buffer.from(JSON.stringify(Manifest.parse(manifest), null, 2) + '\n');
    let stored = await this.objects.writeOnce(name, bytes, 'application/json');
    if (rerun !== null && this.#rerunOf(stage, key, stored) !== rerun) {
      // The new one too: of two reruns that meet here neither is lost, whichever writes last.
      for (const generation of [stored, bytes]) {
        const kept = generationName(stage, key, sha256(generation));
        await this.objects.write(kept, generation, 'application/json');
      }
      await this.objects.write(name, bytes, 'application/json');
      stored = (await this.objects.read(name)) ?? bytes;
    }
    return this.#parse(stage, key, stored);
  }

  /** Which rerun made a stored manifest; null for none, and for bytes that are no manifest: a rerun mends them. */
  #rerunOf(stage: string, key: string, stored: Buffer): string | null {
    try {
      return this.#parse(stage, key, stored).producer.rerun;
    } catch {
      return null;
    }
  }

  #parse(stage: string, key: string, bytes: Buffer): Manifest {
    try {
      const manifest = Manifest.parse(JSON.parse(bytes.toString('utf8')));
      if (manifest.key !== key || stageKey(manifest.parts) !== key)
        throw new Error('its key does not follow from its parts');
      return manifest;
    } catch (cause) {
      throw new TerminalError(
        'store.manifest-corrupt',
        `the manifest ${this.address(stage, key)} is broken`,
        {
          cause,
          fields: { stage, key },
          fix: `resume the run with \`--rerun ${stage === 'probe' ? 'ingest' : stage}\`: it is made anew, and this one is kept`,
        },
      );
    }
  }
}
