import { markup, type Markup } from './markup.js';

const blocks: Readonly<Record<string, string>> = {
  step1: 'Step 1, the scene',
  step2: 'Step 2, what happens',
  step3: 'Step 3, why it stands out',
  step4: 'Step 4, what it means',
  answer: 'Answer',
  reflection: 'Reflection',
};
const fields = new Set(['which', 'what', 'when', 'where', 'why', 'how']);

interface Paragraph {
  readonly heading: string | null;
  readonly parts: Markup[];
}

/**
 * A completion for reading: steps, answer and reflection under headings, the fields of the answer marked; the first pass of
 * a reflective one is folded. Only the tags of the grammar are taken for structure, and only to lay out: whatever else
 * stands there, broken tags included, is shown as the model wrote it, escaped.
 */
export function readableCompletion(text: string): Markup {
  const reflection = text.indexOf('<reflection>');
  if (reflection < 0) return markup`<div class="completion">${layOut(text)}</div>`;
  return markup`<div class="completion"><details><summary>First pass</summary>${layOut(text.slice(0, reflection))}</details>${layOut(text.slice(reflection))}</div>`;
}

function layOut(text: string): Markup[] {
  const paragraphs: Paragraph[] = [{ heading: null, parts: [] }];
  let field: string | null = null;
  for (const piece of text.split(
    /(<\/?(?:think|step[1-4]|answer|reflection|which|what|when|where|why|how)>)/,
  )) {
    const [, slash, name] = /^<(\/?)([a-z0-9]+)>$/.exec(piece) ?? [];
    if (name === undefined || !(name === 'think' || name in blocks || fields.has(name))) {
      if (piece.trim() !== '') paragraphs.at(-1)!.parts.push(part(piece.trim(), field));
    } else if (fields.has(name)) {
      field = slash === '/' ? null : name;
    } else {
      field = null;
      paragraphs.push({ heading: slash === '/' ? null : (blocks[name] ?? null), parts: [] });
    }
  }
  return paragraphs
    .filter(({ parts }) => parts.length > 0)
    .map(
      ({ heading, parts }) =>
        markup`<p>${heading !== null && markup`<b>${heading}</b>`}${parts.map((each) => markup`${each} `)}</p>`,
    );
}

function part(text: string, field: string | null): Markup {
  return field === null
    ? markup`<span>${text}</span>`
    : markup`<span class="field ${field}"><i>${field}</i>${text}</span>`;
}
