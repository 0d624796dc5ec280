import { TerminalError } from '../core/errors.js';
import { Manifest, manifestName, stageKey } from './manifest.js';
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

  /** Publishes a result; when another attempt was first, its manifest is returned and holds. */
  async publish(manifest: Manifest): Promise<Manifest> {
    const { stage } = manifest.parts;
    const bytes = Buffer.from(JSON.stringify(Manifest.parse(manifest), null, 2) + '\n');
    const stored = await this.objects.writeOnce(manifestName(stage, manifest.key), bytes, 'application/json');
    return this.#parse(stage, manifest.key, stored);
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
          fix: 'remove that object and resume the run; the stage runs again and its blobs are reused',
        },
      );
    }
  }
}
