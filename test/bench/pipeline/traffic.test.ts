import { expect, it } from 'vitest';
import { trafficResult } from '../../../bench/pipeline/traffic.js';

const round = (bytes: number, media: number) => ({
  blobs: 3,
  bytes,
  counted: {
    cold: { media: { sent: media, received: 10 }, gpu: { sent: 5, received: 85 } },
    reused: { media: { sent: 1, received: 4 }, gpu: { sent: 0, received: 0 } },
  },
});

it('adds up the workers of each pass, and holds both directions against the artifacts round by round', () => {
  const { artifacts, rounds, traffic } = trafficResult([round(100, 100), round(200, 300)]);
  expect(rounds).toBe(2);
  expect(artifacts).toEqual({ blobs: 3, bytes: { median: 150, min: 100, max: 200 } });
  expect(traffic.map(({ pass, worker }) => `${pass} ${worker}`)).toEqual([
    'cold media',
    'cold gpu',
    'cold all',
    'reused media',
    'reused gpu',
    'reused all',
  ]);
  expect(traffic[2]).toMatchObject({
    sent: { median: 205, min: 105, max: 305 },
    received: { median: 95, min: 95, max: 95 },
    share: { median: 2, min: 2, max: 2 },
  });
  expect(traffic[4]!.share).toEqual({ median: 0, min: 0, max: 0 });
  expect(traffic[5]!.share).toMatchObject({ min: 0.025, max: 0.05 });
});
