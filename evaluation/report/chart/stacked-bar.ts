import { markup, type Markup } from '../markup.js';
import { percentOf } from './scale.js';

/** A part of a bar. */
export interface BarPart {
  readonly count: number;
  /** Colour class. */
  readonly tone: string;
  readonly label: string;
}

/** Parts of a whole in one horizontal bar; `most` is the count that fills the width. */
export function stackedBar(parts: readonly BarPart[], most: number): Markup {
  let from = 0;
  const rects = parts.map(({ count, tone }) => {
    const left = percentOf(from, [0, most]);
    from += count;
    const width = Math.round((percentOf(from, [0, most]) - left) * 100) / 100;
    return markup`<rect class="${tone}" x="${left}%" y="2" width="${width}%" height="12"/>`;
  });
  const label = parts.map(({ count, label: name }) => `${count} ${name}`).join(', ');
  return markup`<svg class="stack" width="100%" height="16" role="img" aria-label="${label}">${rects}</svg>`;
}
