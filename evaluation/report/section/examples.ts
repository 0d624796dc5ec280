import { outcomeMeanings } from '../../answered-video.js';
import { parseCompletion } from '../../../datasets/answer.js';
import type { Span } from '../../../datasets/sample.js';
import type { PerSample } from '../../result.js';
import { timeLine } from '../chart/time-line.js';
import { readableCompletion } from '../completion.js';
import type { ReportExample, ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName, toneOf } from '../names.js';
import { counted, percent } from '../words.js';

/** Bytes of pictures that a report carries; base64 makes a third more of them. */
const pictureBudget = 1_900_000;

/** Frames beside what each checkpoint wrote, with true and predicted spans on one time line. */
export function examples(input: ReportInput): Markup | null {
  if (input.examples.length === 0) return null;
  const rows = new Map(input.perSample.map((row) => [row.sampleId, row]));
  let left = pictureBudget;
  const cards = input.examples.map((example) => {
    const row = rows.get(example.sampleId);
    if (row === undefined) return null;
    const fits = example.contactSheet !== null && example.contactSheet.bytes.length <= left;
    if (fits) left -= example.contactSheet.bytes.length;
    return card(input, example, row, fits);
  });
  return markup`<section id="examples"><h2>Look for yourself</h2>
<p>Chosen by rule, not by hand: corrections and mistakes of the last checkpoint, then the first video of each category. Frames run left to right, row by row; an outlined bar is what a checkpoint said before it reflected. Beside them is the whole answer of the last checkpoint; open the others to compare.</p>
${cards}</section>`;
}

function card(input: ReportInput, example: ReportExample, row: PerSample, withPicture: boolean): Markup {
  const { evaluation } = input;
  const { truth, seconds } = row;
  const answers = evaluation.checkpoints.flatMap(({ checkpoint, shape }) => {
    const answer = row.checkpoints[checkpoint];
    const text = example.answers.find((candidate) => candidate.checkpoint === checkpoint)?.text ?? null;
    return answer === undefined ? [] : [{ checkpoint, shape, answer, text }];
  });
  const truthName =
    truth.label === 'Normal' ? 'Normal' : `Abnormal${truth.category === null ? '' : `: ${truth.category}`}`;
  const lines = [
    {
      name: 'Truth',
      spans: truth.spans,
      before: null,
      tone: 'truth',
      without: truth.label === 'Normal' ? 'Normal' : 'Abnormal, no span annotated',
    },
    ...answers.map(({ checkpoint, answer }) => ({
      name: displayName(checkpoint),
      spans: answer.span === null ? [] : [answer.span],
      before: firstSpan(answer),
      tone: toneOf(evaluation, checkpoint),
      without:
        answer.outcome !== 'ok'
          ? outcomeMeanings[answer.outcome]
          : answer.verdict === 'Normal'
            ? 'says Normal'
            : 'says Abnormal, no valid span',
    })),
  ];
  return markup`<article class="example"><header><h3>${example.sampleId}</h3><span class="tag">${example.why}</span><span class="truth-name ${truth.label}">${truthName}</span></header>
<div class="look">${picture(example, truthName, withPicture)}
${timeLine(lines, seconds)}</div>
<div class="read">${answers.map(({ checkpoint, shape, answer, text }, index) => {
    const what = text === null ? null : parseCompletion(text, { prompt: 'verdict', shape }).final.what;
    return markup`<details class="${toneOf(evaluation, checkpoint)}"${index === answers.length - 1 && markup` open`}><summary><b>${displayName(checkpoint)}</b> ${verdict(answer)}${
      what !== null && markup`<span class="gist">${what}</span>`
    }</summary>${text === null ? markup`<p class="note">no prediction</p>` : readableCompletion(text)}<p class="note">${counted(answer.words, 'word')}, ${counted(answer.tokens, 'token')}${
      answer.truncated && ', cut off at the token limit'
    }${!answer.formatValid && ', format not valid'}</p></details>`;
  })}</div></article>`;
}

/** The first span of a reflective answer, where it is not the final one too. */
function firstSpan({ first, span }: PerSample['checkpoints'][string]): Span | null {
  return first === null || first.span === null || String(first.span) === String(span) ? null : first.span;
}

function verdict(answer: PerSample['checkpoints'][string]): Markup {
  const said = (pass: { verdict: string | null; outcome: keyof typeof outcomeMeanings }) =>
    pass.verdict ?? outcomeMeanings[pass.outcome];
  const flipped = answer.first !== null && answer.first.verdict !== answer.verdict;
  return markup`<span class="verdict ${answer.right ? 'right' : 'wrong'}">${
    flipped && answer.first !== null && `${said(answer.first)} → `
  }${said(answer)}, ${answer.right ? 'right' : 'wrong'}</span>${
    answer.iou !== null &&
    answer.span !== null &&
    markup`<span class="iou">IoU ${percent(answer.iou, 0)}</span>`
  }`;
}

function picture({ contactSheet, sampleId }: ReportExample, truthName: string, fits: boolean): Markup {
  if (contactSheet === null) return markup`<p class="note">No contact sheet.</p>`;
  if (!fits) return markup`<p class="note">Picture left out to keep this file small.</p>`;
  const data = Buffer.from(contactSheet.bytes).toString('base64');
  return markup`<img alt="${`Frames of ${sampleId}, in truth ${truthName}`}" src="data:${contactSheet.mediaType};base64,${data}">`;
}
