import type { CheckpointStage } from '../../config/evaluation.js';

/** What `export --json` prints. */
export interface ExportReport {
  readonly runId: string;
  readonly checkpoint: CheckpointStage;
  readonly folder: string;
  readonly kind: 'model' | 'adapter';
  readonly dtype: 'f32' | 'bf16' | 'f16';
  /** The weights that an adapter belongs to; null for a whole model. */
  readonly base: string | null;
  /** Of an adapter. */
  readonly rank: number | null;
  /** Whether an adapter changes the vision tower. */
  readonly seesVision: boolean;
  readonly files: readonly string[];
}

/**
 * What was written and how to serve it.
 *
 * @param name what the served model is called
 */
export function exportText(report: ExportReport, name: string): string {
  const { runId, checkpoint, folder, kind, dtype } = report;
  const what = kind === 'model' ? 'the model' : `an adapter of rank ${report.rank}`;
  return `${checkpoint} of ${runId}: ${what} in ${dtype}, at\n${folder}\n\n${kind === 'model' ? modelHint(report, name) : adapterHint(report, name)}`;
}

function modelHint({ folder }: ExportReport, name: string): string {
  return (
    `Serve it:  vllm serve ${quoted(folder)} --served-model-name ${quoted(name)}\n` +
    `In Python: Qwen2_5_VLForConditionalGeneration.from_pretrained(${JSON.stringify(folder)})\n`
  );
}

function adapterHint(
  { folder, base, rank, seesVision, runId, checkpoint }: ExportReport,
  name: string,
): string {
  const merged = `hindsight export ${runId} ${checkpoint} FOLDER --merge`;
  const serve = seesVision
    ? `Serve it:  it changes the vision tower, which vLLM may not take from an adapter; write a whole model: ${merged}\n`
    : `Serve it:  vllm serve ${quoted(base!)} --enable-lora --max-lora-rank ${servedRank(rank!)} --lora-modules ${quoted(`${name}=${folder}`)}\n`;
  return (
    serve +
    `In Python: PeftModel.from_pretrained(Qwen2_5_VLForConditionalGeneration.from_pretrained(${JSON.stringify(base)}), ${JSON.stringify(folder)})\n`
  );
}

/** vLLM has kernels for some ranks; an adapter takes the next one. */
function servedRank(rank: number): number {
  return [8, 16, 32, 64, 128, 256, 320, 512].find((most) => most >= rank) ?? rank;
}

/** An argument for a shell. */
function quoted(text: string): string {
  return /^[\w./=:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
