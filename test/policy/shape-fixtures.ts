import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { GridFields, MediumFields, policyFixtures } from './parity-case.js';

const ShapesFile = z.object({
  /** get_rope_index of one row; numbers among the parts are runs of text. */
  rope: z.array(
    z.object({
      tokensPerSecond: z.number(),
      parts: z.array(z.union([z.number(), MediumFields])),
      positions: z.array(z.array(z.number())),
      next: z.number(),
    }),
  ),
  /** get_window_index of one grid: `index` and the bounds of its windows in patches. */
  windows: z.array(
    z.object({
      patchSize: z.number(),
      windowSize: z.number(),
      grid: GridFields,
      index: z.array(z.number()),
      bounds: z.array(z.number()),
    }),
  ),
  /** smart_resize: height, width, factor, budget in pixels, and [height, width] or null for an error. */
  resized: z.array(
    z.tuple([
      z.number(),
      z.number(),
      z.number(),
      z.number(),
      z.number(),
      z.tuple([z.number(), z.number()]).nullable(),
    ]),
  ),
  /** The processors' patches, each by its sum weighted with cos(0.7 i). */
  patches: z.array(
    z.object({
      kind: z.enum(['video', 'image']),
      patchSize: z.number(),
      count: z.number(),
      height: z.number(),
      width: z.number(),
      grid: GridFields,
      projected: z.array(z.number()),
    }),
  ),
});

/** What transformers 4.57.6 makes of random shapes, see scripts/fixtures/policy_parity.py. */
export const shapeFixtures = ShapesFile.parse(
  JSON.parse(readFileSync(join(policyFixtures, 'shapes.json'), 'utf8')),
);
