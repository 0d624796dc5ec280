import { join } from 'node:path';
import { listVideos } from '../activities/candidates.js';
import type { StageName, StageRequest } from '../activities/contract.js';
import { keyOf } from '../activities/durable.js';
import { stages } from '../activities/index.js';
import { isAskedAgain } from '../activities/reruns.js';
import type { Services } from '../activities/stage.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import { findResult } from '../artifacts/find-result.js';
import type { KeyParts, Manifest } from '../artifacts/manifest.js';
import { workName } from '../artifacts/rerun.js';
import type { Reruns, RetriedOutcome } from '../artifacts/rerun.js';
import { trainedCheckpoints } from '../config/cross-checks.js';
import type { ResolvedConfig, ResolvedRun } from '../config/schema.js';
import { canonicalJson, type Json } from '../core/canonical-json.js';
import { changedCode } from './code-changes.js';
import { explainDifference } from './key-difference.js';
import type { PlannedAction, PlannedStage, RunPlan } from './run-api.js';

type Outputs = Readonly<Record<string, string>>;

/**
 * What a run of this config would reuse and what it would run, branch by branch and stage by stage, by the same keys that
 * the run will use. A stage after one that has to run cannot be known yet: its inputs do not exist.
 */
export async function planRun(
  store: ArtifactStore,
  home: string,
  resolved: ResolvedRun,
  reruns: Reruns,
): Promise<RunPlan> {
  const services = { store, cacheDir: join(home, 'cache'), trainer: null };
  const shared: Shared = { reruns, running: new Set(), doubted: new Map() };
  const stages = await new Planner(services, resolved, null, shared).graph();
  for (const [name, variant] of Object.entries(resolved.variants)) {
    stages.push(...(await new Planner(services, variant, name, shared).graph()));
  }
  if (Object.keys(resolved.variants).length > 0)
    stages.push(closing('compare', reruns, 'every branch against what it varies'));
  stages.push(closing('report', reruns, 'drawn from all of the above'));
  return { stages };
}

/** A stage after all branches. */
function closing(name: StageName, reruns: Reruns, why: string): PlannedStage {
  const plan: PlannedAction =
    reruns[name] === undefined ? { action: 'depends', on: 'evaluate' } : { action: 'run' };
  return {
    variant: null,
    name,
    key: null,
    plan,
    why: reruns[name] === undefined ? why : `asked for; ${why}`,
  };
}

/** What the branches of a plan have in common. */
interface Shared {
  readonly reruns: Reruns;
  /** What earlier branches will have made, as `<stage>/<key>`. */
  readonly running: Set<string>;
  /** Digest of an output in the store -> the stage that is made again and may give another. */
  readonly doubted: Map<string, string>;
}

/** Plans one branch. */
class Planner {
  readonly #planned: PlannedStage[] = [];

  constructor(
    private readonly services: Services,
    private readonly resolved: ResolvedConfig,
    private readonly variant: string | null,
    private readonly shared: Shared,
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
    return this.#known({ variant: this.variant, name, key }, parts, this.#doubtOf(inputs as Outputs));
  }

  /** Adds the line of a stage whose key is known, at least if `doubt`, a stage made again, gives the same bytes as before. */
  async #known(
    place: { readonly variant: string | null; readonly name: StageName; readonly key: string },
    parts: KeyParts,
    doubt: string | null,
  ): Promise<Outputs | null> {
    const { name, key } = place;
    const { store } = this.services;
    const rerun = this.shared.reruns[name] ?? null;
    const found = await findResult(store, name, key);
    const manifest = found?.manifest ?? null;
    if (manifest !== null && !isAskedAgain(manifest, rerun)) {
      if (doubt === null) this.#planned.push({ ...place, ...(await this.#reuse(name, manifest)) });
      else {
        const why = `reused if ${doubt} comes out the same, byte for byte`;
        this.#planned.push({ ...place, plan: { action: 'depends', on: doubt }, why });
      }
      return this.#outputsOf(manifest, doubt);
    }
    if (manifest === null && doubt !== null) {
      const why = `its inputs come from ${doubt}`;
      this.#planned.push({ ...place, plan: { action: 'depends', on: doubt }, why });
      return null;
    }
    const outputs = manifest === null ? null : this.#outputsOf(manifest, name);
    if (this.shared.running.has(`${name}/${key}`)) {
      const why = 'an earlier branch of this run makes it';
      this.#planned.push({ ...place, plan: { action: 'reuse' }, why });
      return outputs;
    }
    this.shared.running.add(`${name}/${key}`);
    const checkpoint = await store.checkpoints.newest(name, workName(key, rerun?.id ?? null));
    if (checkpoint !== null) {
      const why = `attempt ${checkpoint.attempt} saved a checkpoint`;
      this.#planned.push({ ...place, plan: { action: 'continue', step: checkpoint.step }, why });
    } else if (manifest === null) {
      const why = found?.damage ?? (await explainDifference(store, parts));
      this.#planned.push({ ...place, plan: { action: 'run' }, why });
    } else {
      this.#planned.push({ ...place, ...madeAgain(manifest, rerun?.only ?? null) });
    }
    return outputs;
  }

  async #reuse(name: StageName, { producer }: Manifest): Promise<Pick<PlannedStage, 'plan' | 'why'>> {
    const codeChanged = await changedCode(this.services.store, stages[name], producer);
    return {
      plan: { action: 'reuse', ...(codeChanged === null ? {} : { codeChanged }) },
      why: `made by run ${producer.run}`,
    };
  }

  /** What a stage has in the store; with `doubt`, whatever reads it depends on that stage. */
  #outputsOf(manifest: Manifest, doubt: string | null): Outputs {
    const outputs = Object.entries(manifest.outputs).map(([output, blob]) => [output, blob.digest] as const);
    if (doubt !== null) for (const [, digest] of outputs) this.shared.doubted.set(digest, doubt);
    return Object.fromEntries(outputs);
  }

  #doubtOf(inputs: Outputs): string | null {
    const doubts = Object.values(inputs).flatMap((digest) => this.shared.doubted.get(digest) ?? []);
    return doubts.at(-1) ?? null;
  }
}

function madeAgain(
  { metrics, producer }: Manifest,
  only: readonly RetriedOutcome[] | null,
): Pick<PlannedStage, 'plan' | 'why'> {
  if (only === null) {
    return { plan: { action: 'run' }, why: `asked for; what run ${producer.run} made is kept` };
  }
  const counted = only.map((outcome) => ({ outcome, count: metrics[outcome] ?? 0 }));
  return {
    plan: { action: 'retry', samples: counted.reduce((sum, { count }) => sum + count, 0) },
    why: counted
      .filter(({ count }) => count > 0)
      .map(({ outcome, count }) => `${count} ${outcome}`)
      .join(', '),
  };
}
