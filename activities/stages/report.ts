import { parseJsonl } from '../../core/jsonl.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutPaths } from '../../config/without-paths.js';
import { packageRoot } from '../../core/package-root.js';
import { Reject } from '../../datasets/sample.js';
import { Prediction } from '../../datasets/target.js';
import { EvaluationResult, PerSample } from '../../evaluation/result.js';
import { Comparison } from '../../evaluation/compare.js';
import { chooseExamples } from '../../evaluation/report/choose-examples.js';
import type {
  DraftShares,
  ReportArtifact,
  ReportExample,
  ReportInput,
  TrainingLog,
  VariantLog,
} from '../../evaluation/report/input.js';
import { renderReport } from '../../evaluation/report/render-report.js';
import { csvTable, latexTable, mainTable } from '../../evaluation/tables.js';
import { contactSheet } from '../../video/contact-sheet.js';
import { decodeFramePack } from '../../video/frame-pack.js';
import { partDigest, readFrameIndex, readSamples } from '../shards.js';
import type { KeyContext, Stage, StageContext } from '../stage.js';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
};

/** Frames side by side on a sheet: wide enough to be recognised on a phone. */
const sheetColumns = 4;

/** Everything of the run on one self-contained page, and its main table as CSV, LaTeX and JSON. */
export const report: Stage = {
  name: 'report',
  version: 5,
  queue: 'media',
  seed: null,
  params: ({ config }) => ({ config: withoutPaths(config), version }),
  // Their outputs too, which a rerun may change under the same keys.
  keyInputs: async (context) => ({
    ...context.request.inputs,
    drawnFrom: partDigest(await artifacts(context)),
  }),
  run: async (context) => {
    const { store } = context.services;
    const evaluation = EvaluationResult.parse(
      JSON.parse(await store.blobs.getText(context.input('evaluation'))),
    );
    const perSample = (await rows(context, 'per-sample')).map((row) => PerSample.parse(row));
    const input: ReportInput = {
      config: withoutPaths(context.config.config),
      code: { version, commit: null },
      evaluation,
      perSample,
      comparison: await comparisonOf(context),
      samples: await readSamples(store, context.input('samples')),
      rejects: (await rows(context, 'rejects')).map((row) => Reject.parse(row)),
      variantLogs: await variantLogs(context),
      drafts: await draftShares(context),
      training: await trainingLogs(context),
      examples: await examples(context, perSample),
      artifacts: await artifacts(context),
    };
    const table = mainTable(evaluation);
    return {
      outputs: {
        report: { text: renderReport(input), mediaType: 'text/html' },
        csv: { text: csvTable(table), mediaType: 'text/csv' },
        latex: { text: latexTable(table), mediaType: 'text/x-tex' },
        json: { text: JSON.stringify(table, null, 2) + '\n', mediaType: 'application/json' },
      },
    };
  },
};

async function rows(context: StageContext, input: string): Promise<unknown[]> {
  return parseJsonl(await context.services.store.blobs.getText(context.input(input)), `${input}.jsonl`);
}

/** Inputs `<variant>/log-grpo`. */
async function variantLogs(context: StageContext): Promise<VariantLog[]> {
  const logs: VariantLog[] = [];
  for (const name of Object.keys(context.request.inputs).sort()) {
    const [variant, log] = name.split('/');
    if (log !== 'log-grpo') continue;
    logs.push({ variant: variant!, rows: (await rows(context, name)) as VariantLog['rows'] });
  }
  return logs;
}

/** What the stage `reflections` counted. */
async function draftShares({ request, services }: StageContext): Promise<DraftShares | null> {
  const name = request.shards.find((shard) => shard.startsWith('reflections/'));
  if (name === undefined) return null;
  const manifest = await services.store.manifests.find('reflections', name.slice('reflections/'.length));
  if (manifest === null) throw new Error(`${name} is not in the store`);
  const of = (when: string) => ({
    right: manifest.metrics[`right.${when}`] ?? 0,
    wrong: manifest.metrics[`wrong.${when}`] ?? 0,
  });
  return { before: of('before'), after: of('after') };
}

async function comparisonOf({ request, services }: StageContext): Promise<Comparison | null> {
  const digest = request.inputs.comparison;
  if (digest === undefined) return null;
  return Comparison.parse(JSON.parse(await services.store.blobs.getText(digest)));
}

async function trainingLogs(context: StageContext): Promise<TrainingLog[]> {
  const logs: TrainingLog[] = [];
  for (const stage of ['sft', 'reflection-sft', 'grpo']) {
    if (context.request.inputs[`log-${stage}`] === undefined) continue;
    logs.push({ stage, rows: (await rows(context, `log-${stage}`)) as TrainingLog['rows'] });
  }
  return logs;
}

async function examples(context: StageContext, perSample: readonly PerSample[]): Promise<ReportExample[]> {
  const { store } = context.services;
  const answers = new Map<string, Map<string, Prediction>>();
  const { config } = context.config;
  for (const checkpoint of config.evaluation.checkpoints) {
    const predictions = (await rows(context, `predictions-${checkpoint}`)).map((row) =>
      Prediction.parse(row),
    );
    answers.set(checkpoint, new Map(predictions.map((prediction) => [prediction.sampleId, prediction])));
  }
  const packs = await readFrameIndex(store, context.input('frames'));
  return Promise.all(
    chooseExamples(perSample, config.evaluation.checkpoints.at(-1)!).map(
      async ({ sampleId, why }): Promise<ReportExample> => {
        const entry = packs.get(sampleId);
        return {
          sampleId,
          why,
          contactSheet:
            entry === undefined
              ? null
              : {
                  mediaType: 'image/png',
                  bytes: await contactSheet(decodeFramePack(await store.blobs.get(entry.pack)), {
                    columns: sheetColumns,
                  }),
                },
          answers: [...answers].flatMap(([checkpoint, bySample]) => {
            const answer = bySample.get(sampleId);
            return answer === undefined ? [] : [{ checkpoint, text: answer.text }];
          }),
        };
      },
    ),
  );
}

/** The stages this report is drawn from, named `<stage>/<key>` by the workflow. */
async function artifacts({ request, services }: KeyContext): Promise<ReportArtifact[]> {
  return Promise.all(
    request.shards.map(async (name) => {
      const [stage, key] = name.split('/') as [string, string];
      const manifest = await services.store.manifests.find(stage, key);
      if (manifest === null) throw new Error(`${name} is not in the store`);
      return {
        stage,
        key,
        outputs: Object.fromEntries(
          Object.entries(manifest.outputs).map(([output, blob]) => [output, blob.digest]),
        ),
      };
    }),
  );
}
