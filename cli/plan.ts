import { join } from 'node:path';
import { listVideos } from '../activities/candidates.js';
import type { StageName, StageRequest } from '../activities/contract.js';
import { keyOf } from '../activities/durable.js';
import { stages } from '../activities/index.js';
import type { Services } from '../activities/stage.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import { findResult } from '../artifacts/find-result.js';
import type { Manifest } from '../artifacts/manifest.js';
import { trainedCheckpoints } from '../config/cross-checks.js';
import type { ResolvedConfig, ResolvedRun } from '../config/schema.js';
import { canonicalJson, type Json } from '../core/canonical-json.js';
import { explainDifference } from './key-difference.js';
import type { PlannedStage, RunPlan } from './run-api.js';

type Outputs = Readonly<Record<string, string>>;

/**
 * What a run of this config would reuse and what it would run, branch by branch and stage by stage, by the same keys that
 * the run will use. A stage after one that has to run cannot be known yet: its inputs do not exist.
 */
export async function planRun(store: ArtifactStore, home: string, resolved: ResolvedRun): Promise<RunPlan> {
  const services = { store, cacheDir: join(home, 'cache'), trainer: null };
  const running = new Set<string>();
  const stages = await new Planner(services, resolved, null, running).graph();
  for (const [name, variant] of Object.entries(resolved.variants)) {
    stages.push(...(await new Planner(services, variant, name, running).graph()));
  }
  const end = { variant: null, key: null };
  if (Object.keys(resolved.variants).length > 0) {
    const why = 'every branch against the run itself';
    stages.push({ ...end, name: 'compare', plan: { action: 'depends', on: 'evaluate' }, why });
  }
  const why = 'drawn from all of the above';
  stages.push({ ...end, name: 'report', plan: { action: 'depends', on: 'evaluate' }, why });
  return { stages };
}

/** Plans one branch. */
class Planner {
  readonly #planned: PlannedStage[] = [];

  constructor(
    private readonly services: Services,
    private readonly resolved: ResolvedConfig,
    private readonly variant: string | null,
    /** What earlier branches will have made, as `<stage>/<key>`. */
    private readonly running: Set<string>,
  ) {}

  /** Follows the graph of workflows/pipeline.ts as far as the store knows it. */
  async graph(): Promise<PlannedStage[]> {
    const { config } = this.resolved;
    const trains = trainedCheckpoints(config);
    const text = canonicalJson(this.resolved as unknown as Json);
    const { digest } = await this.services.store.blobs.putText(text, 'application/json');
    const { candidates } = await listVideos(this.services, { runId: null, config: digest });
    const ingest = await this.#stage('ingest', null, digest, () => ({ candidates }));
    const samples = { samples: ingest?.samples };
    const frames = await this.#stage('frames', 'ingest', digest, () => samples);
    const seen = { ...samples, frames: frames?.frames };
    const captions = await this.#stage('captions', 'frames', digest, () => seen);
    const reasoning = await this.#stage('reasoning', 'captions', digest, () => ({
      ...seen,
      captions: captions?.captions,
    }));
    const taught = { ...seen, targets: reasoning?.targets };
    const sft = await this.#stage('sft', 'reasoning', digest, () => taught);
    let start = sft;
    if (trains.includes('reflection-sft')) {
      const checkpoint = sft?.checkpoint;
      const drafts = await this.#stage('drafts', 'sft', digest, () => ({ ...seen, checkpoint }));
      const reflections = await this.#stage('reflections', 'drafts', digest, () => ({
        samples: seen.samples,
        targets: taught.targets,
        drafts: drafts?.drafts,
      }));
      start = await this.#stage('reflection-sft', 'reflections', digest, () => ({
        ...taught,
        reflections: reflections?.reflections,
        checkpoint,
      }));
    }
    const reference = start?.checkpoint;
    let grpo: Outputs | null = null;
    const epochs = trains.includes('grpo') ? config.grpo.epochs : 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const before: Outputs | null = grpo;
      grpo = await this.#stage(
        'grpo',
        epoch > 1 ? 'grpo' : start === sft ? 'sft' : 'reflection-sft',
        digest,
        () => ({
          ...seen,
          checkpoint: before === null ? reference : before.checkpoint,
          reference,
          ...(before === null ? {} : { log: before.log, state: before.state }),
        }),
        { epoch },
      );
    }
    if (epochs > 0) this.#showOnce('grpo');
    const trained = { sft, 'reflection-sft': start, grpo };
    const checkpoints = Object.fromEntries(
      config.evaluation.checkpoints.map((name) => [name, trained[name]?.checkpoint]),
    );
    const predictions = await this.#stage('predictions', trains.at(-1)!, digest, () => ({
      ...seen,
      ...checkpoints,
    }));
    await this.#stage('evaluate', 'predictions', digest, () => ({
      samples: seen.samples,
      ...(predictions ?? { sft: undefined }),
    }));
    return this.#planned;
  }

  /** Several epochs are one line: the first that is not in the store, or the last. */
  #showOnce(name: StageName): void {
    const lines = this.#planned.filter((stage) => stage.name === name);
    const shown = lines.find((stage) => stage.plan.action !== 'reuse') ?? lines.at(-1)!;
    this.#planned.splice(this.#planned.indexOf(lines[0]!), lines.length, shown);
  }

  /** Adds the stage's line; its outputs when the store has them. */
  async #stage(
    name: StageName,
    after: StageName | null,
    config: string,
    inputsOf: () => Readonly<Record<string, string | undefined>>,
    use: StageRequest['use'] = {},
  ): Promise<Outputs | null> {
    const inputs = inputsOf();
    if (Object.values(inputs).includes(undefined)) {
      this.#planned.push({
        variant: this.variant,
        name,
        key: null,
        plan: { action: 'depends', on: after! },
        why: `its inputs come from ${after}`,
      });
      return null;
    }
    const request: StageRequest = {
      runId: 'plan',
      config,
      inputs: inputs as Outputs,
      shard: null,
      shards: [],
      use,
    };
    const { key, parts } = await keyOf(stages[name], {
      request,
      config: this.resolved,
      services: this.services,
    });
    const found = await findResult(this.services.store, name, key);
    const manifest: Manifest | null = found?.manifest ?? null;
    const place = { variant: this.variant, name, key };
    if (manifest !== null) {
      const why = `made by run ${manifest.producer.run}`;
      this.#planned.push({ ...place, plan: { action: 'reuse' }, why });
      return Object.fromEntries(
        Object.entries(manifest.outputs).map(([output, blob]) => [output, blob.digest]),
      );
    }
    if (this.running.has(`${name}/${key}`)) {
      this.#planned.push({
        ...place,
        plan: { action: 'reuse' },
        why: 'an earlier branch of this run makes it',
      });
      return null;
    }
    this.running.add(`${name}/${key}`);
    const checkpoint = await this.services.store.checkpoints.newest(name, key);
    this.#planned.push(
      checkpoint === null
        ? {
            ...place,
            plan: { action: 'run' },
            why: found?.damage ?? (await explainDifference(this.services.store, parts)),
          }
        : {
            ...place,
            plan: { action: 'continue', step: checkpoint.step },
            why: `attempt ${checkpoint.attempt} saved a checkpoint`,
          },
    );
    return null;
  }
}
