import { createHash } from 'node:crypto';
import type { ReportInput } from './input.js';
import { markup, trusted, type Markup } from './markup.js';
import { script } from './script.js';
import { data } from './section/data.js';
import { examples } from './section/examples.js';
import { gains } from './section/gains.js';
import { header } from './section/header.js';
import { papers } from './section/papers.js';
import { reflection } from './section/reflection.js';
import { reproduce } from './section/reproduce.js';
import { results } from './section/results.js';
import { strata } from './section/strata.js';
import { training } from './section/training.js';
import { variants } from './section/variants.js';
import { style } from './style.js';

/**
 * The report as one HTML file: no network, no other file, readable from disk, in light and dark and on paper. Equal input
 * gives equal bytes. Text of models and annotators is escaped, and the content security policy lets no script run but the
 * one of this file.
 */
export function renderReport(input: ReportInput): string {
  const sections: readonly (readonly [id: string, title: string, content: Markup | null])[] = [
    ['results', 'Results', results(input)],
    ['gains', 'Gains', gains(input)],
    ['variants', 'Variants', variants(input)],
    ['reflection', 'Reflection', reflection(input)],
    ['examples', 'Examples', examples(input)],
    ['training', 'Training', training(input)],
    ['strata', 'Groups', strata(input)],
    ['data', 'Data', data(input)],
    ['papers', 'Papers', papers()],
    ['next', 'Next', reproduce(input)],
  ];
  const present = sections.filter(([, , content]) => content !== null);
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${sha256Base64(script)}'`;
  return markup`${trusted('<!doctype html>')}
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${input.config.name}: Hindsight report</title><link rel="icon" href="data:,"><style>${trusted(style)}</style></head>
<body>
${header(input)}
<nav aria-label="Sections"><ul>${present.map(([id, title]) => markup`<li><a href="${`#${id}`}">${title}</a></li>`)}</ul></nav>
<main>
${present.map(([, , content]) => content)}
</main>
<footer>Made by Hindsight ${input.code.version}. This file needs no network and holds no times: the same run gives the same bytes.</footer>
<script>${trusted(script)}</script></body></html>
`.text;
}

function sha256Base64(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
