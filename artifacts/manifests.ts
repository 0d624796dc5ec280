import { sha256 } from '../core/digest.js';
import { HindsightError, TerminalError } from '../core/errors.js';
import { generationName, Manifest, manifestName, stageKey } from './manifest.js';
import type { ObjectStore } from './object-store.js';
import { writeOnce } from './write-once.js';

/** Finished stages by key. */
export class Manifests {
  constructor(private readonly objects: ObjectStore) {}

  address(stage: string, key: string): string {
    return this.objects.address(manifestName(stage, key));
  }

  /**
   * The manifest of a finished stage, or null.
   * @throws TerminalError `store.manifest-corrupt`, with what was expected and found
   */
  async find(stage: string, key: string): Promise<Manifest | null> {
    let bytes: Buffer | null;
    try {
      bytes = await this.objects.read(manifestName(stage, key));
    } catch (error) {
      if (error instanceof HindsightError && error.code === 'store.object-corrupt')
        throw this.#corrupt(stage, key, error);
      throw error;
    }
    return bytes === null ? null : this.#parse(stage, key, bytes);
  }

  /**
   * The manifest of a stage that is known to be finished.
   * @throws TerminalError `store.manifest-missing`, and what {@link find} throws
   */
  async get(stage: string, key: string): Promise<Manifest> {
    const manifest = await this.find(stage, key);
    if (manifest !== null) return manifest;
    throw new TerminalError('store.manifest-missing', `${this.address(stage, key)} is not in the store`, {
      fields: { stage, key },
      fix: 'resume the run: the stage runs again',
    });
  }

  /** Takes a manifest out of use: its stage counts as not finished. */
  remove(stage: string, key: string): Promise<void> {
    return this.objects.remove(manifestName(stage, key));
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
    let stored = await writeOnce(this.objects, name, bytes, 'application/json');
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
      const found = stageKey(manifest.parts);
      if (manifest.key !== key || found !== key)
        throw new Error(`expected key ${key}, found key ${manifest.key} and parts of key ${found}`);
      return manifest;
    } catch (cause) {
      throw this.#corrupt(stage, key, cause as Error);
    }
  }

  #corrupt(stage: string, key: string, cause: Error): TerminalError {
    return new TerminalError(
      'store.manifest-corrupt',
      `the manifest ${this.address(stage, key)} is damaged: ${cause.message}`,
      { cause, fields: { stage, key }, fix: 'resume the run: the stage runs again' },
    );
  }
}
