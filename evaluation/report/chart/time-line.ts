import type { Span } from '../../../datasets/sample.js';
import { markup, type Markup } from '../markup.js';
import { clock } from '../words.js';
import { percentOf } from './scale.js';

/** One row of a time line. */
export interface TimeLineRow {
  readonly name: string;
  readonly spans: readonly Span[];
  /** Drawn as an outline: what was said at first, before reflecting. */
  readonly before: Span | null;
  /** `truth`, `c0`, `c1`, ... */
  readonly tone: string;
  /** Said in the row when there is no span to draw, e.g. `says Normal`. */
  readonly without: string;
}

/** Spans as bars over the length of the video, the truth and each checkpoint below one another. */
export function timeLine(rows: readonly TimeLineRow[], seconds: number): Markup {
  const x = (value: number) => percentOf(value, [0, 1]);
  const bar = ([start, end]: Span, kind: 'span' | 'before') =>
    markup`<rect class="${kind}" x="${x(start)}%" y="2" width="${Math.round((x(end) - x(start)) * 100) / 100}%" height="12" rx="2"/>`;
  // Words stand where the outline of the first span is not.
  const said = (text: string, before: Span | null) => {
    const [place, anchor] =
      before === null ? ['50%', 'middle'] : before[0] + before[1] < 1 ? ['100%', 'end'] : ['0', 'start'];
    return markup`<text x="${place}" y="12" text-anchor="${anchor}">${text}</text>`;
  };
  const time = ([start, end]: Span) => `${clock(start * seconds)} to ${clock(end * seconds)}`;
  return markup`<div class="time-line">${rows.map(
    ({ name, spans, before, tone, without }) => markup`<span class="name ${tone}">${name}</span>
<svg class="bar ${tone}" width="100%" height="16" role="img" aria-label="${
      spans.length === 0
        ? `${name}: ${without}`
        : `${name}: ${spans.map(time).join(', ')}${before === null ? '' : `; at first ${time(before)}`}`
    }"><rect class="rail" x="0" y="6.5" width="100%" height="3" rx="1.5"/>${spans.map((span) => bar(span, 'span'))}${before !== null && bar(before, 'before')}${spans.length === 0 && said(without, before)}</svg>`,
  )}<span></span><span class="ends"><span>0 s</span><span>${clock(seconds)}</span></span></div>`;
}
