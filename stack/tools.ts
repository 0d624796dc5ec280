import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { packageRoot } from '../core/package-root.js';

const Tools = z.object({
  schema: z.literal(1),
  temporal: z.string(),
  versitygw: z.string(),
  ffmpeg: z.string(),
  ffprobe: z.string(),
  /** Null where no Chromium was found: browser tests are skipped. */
  chromium: z.string().nullable(),
  /** What stands behind TensorFlow.js in this checkout. */
  backend: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('tensorflow'), version: z.string(), flavour: z.enum(['cpu', 'cuda']) }),
    z.object({ kind: z.literal('js'), reason: z.string() }),
  ]),
});

/** Absolute paths of the programs that set-up found or built, and the backend it proved. */
export type Tools = z.infer<typeof Tools>;

const fix = 'npm run setup';

/**
 * What `npm run setup` recorded for this checkout.
 * @throws TerminalError `stack.tools-missing` when it was never run, is out of date, or a program has gone since
 */
export function loadTools(path: string = join(packageRoot, 'node_modules', '.hindsight-tools.json')): Tools {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TerminalError('stack.tools-missing', 'This checkout is not set up', { fix, cause });
  }
  const parsed = Tools.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new TerminalError('stack.tools-missing', `${path} is not what set-up writes today`, { fix });
  }
  const tools = parsed.data;
  for (const name of ['temporal', 'versitygw', 'ffmpeg', 'ffprobe'] as const) {
    if (!existsSync(tools[name])) {
      throw new TerminalError('stack.tools-missing', `${name} is gone from ${tools[name]}`, {
        fix,
        fields: { tool: name, path: tools[name] },
      });
    }
  }
  return tools;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
