import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import { patchGrid, type Grid } from '../policy/processor.js';
import { decodeFramePack, packFrames, type FramePack } from '../video/frame-pack.js';
import { framePatches, type VideoPatches } from './video-patches.js';

/**
 * Frame packs, read by digest from the blob folder and kept decoded, least recently used out first. The teacher's frames
 * are dropped; `wanted` narrows a pack further to the frames that the job will ask for.
 */
export class FrameCache {
  /** Oldest first. */
  readonly #packs = new Map<string, FramePack>();
  #bytes = 0;

  constructor(
    private readonly blobDir: string,
    /** Sample id to pack digest. */
    private readonly index: ReadonlyMap<string, string>,
    private readonly options: {
      readonly maxBytes?: number;
      /** Frames of a sample that will be asked for; null keeps all. */
      wanted?(sampleId: string): readonly number[] | null;
    } = {},
  ) {}

  /** The pack of a sample. TerminalError `training.no-frames` when the index does not name it. */
  async pack(sampleId: string): Promise<FramePack> {
    const known = this.#packs.get(sampleId);
    if (known !== undefined) {
      this.#packs.delete(sampleId);
      this.#packs.set(sampleId, known);
      return known;
    }
    const digest = this.index.get(sampleId);
    if (digest === undefined) {
      throw new TerminalError('training.no-frames', `the frame index does not name sample ${sampleId}`);
    }
    const bytes = await readFile(join(this.blobDir, digest.slice(0, 2), digest));
    const pack = narrow(decodeFramePack(bytes), this.options.wanted?.(sampleId) ?? null);
    this.#packs.set(sampleId, pack);
    this.#bytes += pack.pixels.length;
    this.#evict();
    return pack;
  }

  /** These frames of a sample as patches, in the order asked for. */
  async patches(sampleId: string, frames: readonly number[]): Promise<VideoPatches> {
    const pack = await this.pack(sampleId);
    const { height, width } = pack;
    return framePatches(packFrames(pack, frames), { count: frames.length, height, width });
  }

  /** The grid that so many frames of a sample make. */
  async grid(sampleId: string, frames: number): Promise<Grid> {
    const { width, height } = await this.pack(sampleId);
    return patchGrid({ count: frames, height, width });
  }

  /** Bytes of decoded pixels held. */
  get bytes(): number {
    return this.#bytes;
  }

  #evict(): void {
    const most = this.options.maxBytes ?? 2 ** 30;
    for (const [id, pack] of this.#packs) {
      if (this.#bytes <= most || this.#packs.size === 1) return;
      this.#packs.delete(id);
      this.#bytes -= pack.pixels.length;
    }
  }
}

/** A pack of its own memory with the wanted frames only. */
function narrow(pack: FramePack, wanted: readonly number[] | null): FramePack {
  if (wanted === null) return { ...pack, pixels: pack.pixels.slice(), teacher: null };
  const held = new Set(pack.frames.map((frame) => frame.index));
  const kept = [...new Set(wanted)].filter((index) => held.has(index)).sort((a, b) => a - b);
  return { ...pack, frames: kept.map((index) => ({ index })), pixels: packFrames(pack, kept), teacher: null };
}
