import type { Reward } from './reward.js';

/**
 * 1 when the whole completion follows the tag grammar of its shape, else 0 (Vad-R1, table 7). Strict: the grammar belongs
 * to the verdict given, so that a two-step answer that says Abnormal earns nothing (the released pattern paid it).
 */
export const format: Reward = (completions) => completions.map((c) => (c.formatValid ? 1 : 0));
