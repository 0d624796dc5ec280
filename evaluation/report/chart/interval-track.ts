import { markup, type Markup } from '../markup.js';
import { percentOf } from './scale.js';

/** A dot with its interval on a horizontal scale. All coordinates are percentages, so it fits any width. */
export interface IntervalTrack {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly domain: readonly [number, number];
  /** Faint vertical lines. */
  readonly ticks: readonly number[];
  /** A stronger, dashed line to compare with; null for none. */
  readonly reference: number | null;
  /** Sets the colour: `c0`, `c1`, ..., `base`, `up`, `down`, `flat`. */
  readonly tone: string;
  /** What it says, for those who cannot see it. */
  readonly label: string;
}

/** Draws the track as one SVG. */
export function intervalTrack(track: IntervalTrack): Markup {
  const x = (value: number) => `${percentOf(value, track.domain)}%`;
  const { value, low, high, reference } = track;
  return markup`<div class="track ${track.tone}"><svg width="100%" height="100%" role="img" aria-label="${track.label}">${track.ticks.map(
    (tick) => markup`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="100%"/>`,
  )}${
    reference !== null &&
    markup`<line class="reference" x1="${x(reference)}" x2="${x(reference)}" y1="0" y2="100%"/>`
  }${
    low !== null &&
    high !== null &&
    markup`<line class="whisker" x1="${x(low)}" x2="${x(high)}" y1="50%" y2="50%"/>`
  }${value !== null && markup`<circle class="dot" cx="${x(value)}" cy="50%" r="5"/>`}</svg></div>`;
}

/** Labels under a column of tracks, each centred below its place on the scale. */
export function trackScale(
  labels: readonly { readonly at: number; readonly text: string }[],
  domain: readonly [number, number],
): Markup {
  return markup`<span class="scale" aria-hidden="true">${labels.map(
    ({ at, text }) => markup`<span style="left:${percentOf(at, domain)}%">${text}</span>`,
  )}</span>`;
}

/** A scale for shares of all videos. */
export const shareTicks: readonly number[] = [0, 0.25, 0.5, 0.75, 1];
export const shareScale = trackScale(
  [
    { at: 0, text: '0' },
    { at: 0.5, text: '50' },
    { at: 1, text: '100%' },
  ],
  [0, 1],
);
