import type { UpstreamAnswer } from './answered-video.js';

/**
 * Reads a completion as the released Vad-R1 evaluator does: the first `<which>`, Abnormal unless it says Normal; the first
 * `<when>[s, e]`, [0, 0] when missing or not 0 <= s < e <= 1; Normal is [0, 1]. It knows one
 * pass only: of a reflective completion, give it the last pass.
 */
export function readAsUpstream(answer: string): UpstreamAnswer {
  const which = /<which>(.*?)<\/which>/s.exec(answer)?.[1]?.trim();
  if (which === 'Normal') return { verdict: 'Normal', span: [0, 1] };
  const when = /<when>\s*\[\s*([\d.]+)\s*,\s*([\d.]+)\s*\]\s*<\/when>/s.exec(answer);
  const start = Number(when?.[1]);
  const end = Number(when?.[2]);
  const valid = start >= 0 && start < end && end <= 1;
  return { verdict: 'Abnormal', span: valid ? [start, end] : [0, 0] };
}
