import { join } from 'node:path';
import { deriveKey } from '../core/random.js';
import { Sample } from '../datasets/sample.js';
import { uniformIndices } from '../video/sampling.js';
import { answerVideos, rowsTogether, type Question } from './answer-videos.js';
import { FrameCache } from './frame-cache.js';
import { JobStopped } from './job-stopped.js';
import type { AnswerJob, AnswerRecord, JobControl } from './job.js';
import type { LoadedPolicy } from './checkpoint-policy.js';
import { Prompts } from './prompts.js';
import { ById, readFrameIndex, readRecords } from './records.js';
import { RowLog } from './row-log.js';
import type { StepRow } from './run-phases.js';

/**
 * Samples answered before the job looks whether it should stop, and says how far it is: as many as are generated together
 * (measured on two processors, 256 answers of the demo's policy: 12 processor seconds by 32, 9 by 64, 11 by 128).
 */
export const samplesTogether = rowsTogether;

/**
 * A checkpoint answers samples, each from its own uniform frames; `answers.jsonl` has one row per completion. Draws derive
 * from (seed, purpose, sample, completion). Batches follow from the sample list alone.
 */
export async function runAnswer(
  job: AnswerJob,
  { policy, tokenizer }: LoadedPolicy,
  control: JobControl,
): Promise<StepRow> {
  const samples = new ById(await readRecords(job.samples, Sample), (sample) => sample.id, 'sample');
  const shown = (id: string): number[] => uniformIndices(samples.get(id).frames, job.frames.policyFrames);
  const frames = new FrameCache(job.blobDir, await readFrameIndex(job.frameIndex), { wanted: shown });
  const prompts = new Prompts(tokenizer, job.prompts, policy.config.vision.spatialMergeSize);
  const log = RowLog.start(join(job.workDir, 'answers.jsonl'), '');
  const { sampleIds, seed, purpose } = job;
  let tokens = 0;
  let truncated = 0;
  for (let start = 0; start < sampleIds.length; start += samplesTogether) {
    if (control.stopRequested()) throw new JobStopped(start, null);
    const ids = sampleIds.slice(start, start + samplesTogether);
    const questions: Question[] = [];
    for (const id of ids) {
      const video = await frames.patches(id, shown(id));
      const keys = Array.from({ length: job.completionsPerSample }, (_, i) =>
        deriveKey(seed, purpose, id, i),
      );
      questions.push({ video, prompt: prompts.ids(job.prompt, video.grid), keys });
    }
    const answers = await answerVideos(policy, questions, job.sampling);
    for (const [at, own] of answers.entries()) {
      for (const [completion, { ids: found, finish }] of own.entries()) {
        const text = tokenizer.decode(found);
        const record: AnswerRecord = { sampleId: ids[at]!, completion, text, finish, tokens: found.length };
        log.append(record);
        tokens += found.length;
        if (finish === 'length') truncated++;
      }
    }
    const step = Math.min(start + samplesTogether, sampleIds.length);
    control.emit({
      type: 'progress',
      phase: 'answers',
      step,
      steps: sampleIds.length,
      metrics: { tokens, truncated },
    });
  }
  return { tokens, truncated };
}
