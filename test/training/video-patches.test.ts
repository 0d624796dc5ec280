import { expect, it } from 'vitest';
import { loadBackend } from '../../policy/backend.js';
import type { Policy } from '../../policy/policy.js';
import { patchify } from '../../policy/processor.js';
import { framePatches, givenPatches, patchTensor } from '../../training/video-patches.js';

const size = { count: 2, height: 28, width: 56 };
const frames = (seed: number): Uint8Array =>
  Uint8Array.from({ length: 2 * 28 * 56 * 3 }, (_, i) => (i * 31 + seed) % 256);

it('lays the patches of several videos one after the other, whether they are frames or numbers', async () => {
  const backend = await loadBackend();
  const [first, second] = [frames(1), frames(2)].map((bytes) => patchify(bytes, size));
  const { grid } = first!;
  const videos = [framePatches(frames(1), size), givenPatches(grid, second!.patches)];
  expect(videos.map((video) => [video.grid, video.size])).toEqual([
    [{ t: 1, h: 2, w: 4 }, 8 * 1176],
    [{ t: 1, h: 2, w: 4 }, 8 * 1176],
  ]);
  const tensor = patchTensor({ backend } as Policy, videos);
  expect(tensor.shape).toEqual([16, 1176]);
  expect(await tensor.data()).toEqual(Float32Array.of(...first!.patches, ...second!.patches));
  tensor.dispose();
});

it('refuses frames that are no whole patches when it is told of them', () => {
  expect(() => framePatches(new Uint8Array(50 * 56 * 3), { count: 1, height: 50, width: 56 })).toThrowError(
    expect.objectContaining({ code: 'policy.bad-frames' }),
  );
});
