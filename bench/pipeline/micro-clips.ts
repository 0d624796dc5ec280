import { writeSyntheticDataset } from '../../video/synthetic/write-dataset.js';

/** Clips of a micro run: every split present, few enough for a run of well under a minute. */
const microCounts = { sft: 12, reflect: 4, rl: 6, val: 2, test: 8 };

export interface MicroClips {
  /** Other clips, with other bytes, for every seed. */
  readonly seed?: number;
  /** Clips of each split. */
  readonly counts?: Readonly<typeof microCounts>;
}

/** Renders the clips of a micro run; returns the path of their annotation file. */
export async function renderMicroClips(
  dir: string,
  { seed = 7, counts = microCounts }: MicroClips = {},
): Promise<string> {
  const { annotations } = await writeSyntheticDataset({ dir, seed, counts });
  return annotations;
}
