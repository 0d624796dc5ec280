import { hostname } from 'node:os';
import { Context } from '@temporalio/activity';
import { canonicalJson } from '../core/canonical-json.js';
import { lowDisk } from '../core/free-disk.js';
import { redact } from '../core/redact.js';
import type { BlobRef } from '../artifacts/blobs.js';
import { stageKey, type KeyParts, type Manifest, type Producer } from '../artifacts/manifest.js';
import { workName } from '../artifacts/rerun.js';
import { stageCode } from './code-digest.js';
import { toFailure } from './failure.js';
import { isAskedAgain, rerunOf } from './reruns.js';
import { reusable } from './reuse.js';
import { readConfig } from './run-config.js';
import type { HeartbeatDetails, StageRef, StageRequest } from './contract.js';
import type { KeyContext, Output, Services, Stage, StageContext } from './stage.js';
import { Turns } from './turns.js';

/** How often an activity says that it lives; the worker throttles what really goes out. */
const heartbeatMs = 1000;
/** How often the free space of the worker's disk is looked at. */
const diskMs = 10_000;

/** Everything the stage's result depends on, and the key that follows. */
export async function keyOf(stage: Stage, context: KeyContext): Promise<{ key: string; parts: KeyParts }> {
  const parts: KeyParts = {
    stage: stage.name,
    version: stage.version,
    params: stage.params(context.config, context.request) as KeyParts['params'],
    inputs: (await stage.keyInputs?.(context)) ?? { ...context.request.inputs },
    seed: stage.seed === null ? null : context.config.config.seed[stage.seed],
  };
  return { key: stageKey(parts), parts };
}

export function refOf(
  services: Services,
  manifest: Manifest,
  outcome: StageRef['outcome'],
  seconds: number,
  attempts: number,
): StageRef {
  return {
    stage: manifest.parts.stage,
    key: manifest.key,
    manifest: services.store.manifests.address(manifest.parts.stage, manifest.key),
    outcome,
    outputs: Object.fromEntries(Object.entries(manifest.outputs).map(([name, blob]) => [name, blob.digest])),
    metrics: manifest.metrics,
    seconds,
    attempts,
  };
}

/**
 * The activity of a stage: looks its key up, and if no manifest serves, runs the stage under heartbeats, publishes the
 * outputs and then the manifest. Gives every stage the same behaviour under kills, cancellation and races.
 */
export function durable(stage: Stage, services: Services): (request: StageRequest) => Promise<StageRef> {
  const turns = new Turns();
  return async (request) => {
    const activity = Context.current();
    const { attempt } = activity.info;
    const startedAt = new Date();
    const details: { -readonly [K in keyof HeartbeatDetails]: HeartbeatDetails[K] } = {
      stage: stage.name,
      progress: null,
      warnings: [],
      checkpoint: null,
      quiet: null,
      lowDisk: null,
    };
    const heartbeat = (): void => {
      details.quiet = services.trainer?.quiet ?? null;
      activity.heartbeat(details);
    };
    const lookAtDisk = async (): Promise<void> => {
      const low = await lowDisk(services.cacheDir);
      details.lowDisk = low === null ? null : { ...low, host: hostname() };
    };
    const timers = [setInterval(heartbeat, heartbeatMs), setInterval(() => void lookAtDisk(), diskMs)];
    const lines: string[] = [];
    let logName = `attempt-${attempt}`;
    let endTurn: (() => void) | null = null;
    try {
      await lookAtDisk();
      activity.heartbeat(details);
      const config = await readConfig(services.store, request.config);
      const { key, parts } = await keyOf(stage, { request, config, services });
      const rerun = rerunOf(request, stage.name);
      const work = workName(key, rerun?.id ?? null);
      logName = `${workName(key.slice(0, 12), rerun?.id ?? null)}-${attempt}`;
      endTurn = await turns.take(work, activity.cancellationSignal);
      const known = await reusable(services, stage.name, key, (line) => lines.push(line));
      if (known !== null && !isAskedAgain(known, rerun)) {
        // An attempt that was killed after it had published left its checkpoints.
        if (attempt > 1) await services.store.checkpoints.clear(stage.name, work);
        return refOf(services, known, 'reused', 0, attempt);
      }

      await services.store.runs.document(request.runId, `refs/${stage.name}-${key}.json`, {
        stage: stage.name,
        key,
      });
      let continued = false;
      const context: StageContext = {
        request,
        config,
        services,
        key,
        work,
        kept:
          rerun === null || rerun.only === null
            ? null
            : { work: workName(key, known?.producer.rerun ?? null), but: rerun.only },
        attempt,
        signal: activity.cancellationSignal,
        get seed() {
          if (parts.seed === null) throw new Error(`stage ${stage.name} declares no seed`);
          return parts.seed;
        },
        progress: (progress) => {
          details.progress = progress;
        },
        warn: (warning) => {
          const { phase, column, side } = warning;
          const others = details.warnings.filter(
            (one) => one.phase !== phase || one.column !== column || one.side !== side,
          );
          details.warnings = [...others, warning];
          lines.push(`warning: ${warning.phase} step ${warning.step}: ${warning.text}`);
        },
        checkpointed: (step) => {
          details.checkpoint = step;
          heartbeat();
        },
        continued: () => {
          continued = true;
        },
        log: (line) => lines.push(line),
        input: (name) => {
          const digest = request.inputs[name];
          if (digest === undefined)
            throw new Error(`stage ${stage.name} was called without its input ${name}`);
          return digest;
        },
      };
      const result = await stage.run(context);
      const outputs: Record<string, BlobRef> = {};
      for (const [name, output] of Object.entries(result.outputs))
        outputs[name] = await publish(services, output);
      const endedAt = new Date();
      const manifest = await services.store.manifests.publish({
        schema: 1,
        key,
        parts,
        outputs,
        blobs: [...(result.blobs ?? [])],
        shards: [...request.shards],
        metrics: { ...result.metrics },
        producer: {
          ...(await codeOfProducer(stage, services)),
          rerun: rerun?.id ?? null,
          run: request.runId,
          attempt,
          host: hostname(),
          backend: services.trainer?.backend ?? null,
          threads: services.trainer?.threads ?? null,
          versions: { node: process.version, ...services.trainer?.versions },
          startedAt: startedAt.toISOString(),
          endedAt: endedAt.toISOString(),
        },
      });
      // Whatever checkpoints earlier attempts left are of no use any more.
      if (details.checkpoint !== null || continued) await services.store.checkpoints.clear(stage.name, work);
      const seconds = (endedAt.getTime() - startedAt.getTime()) / 1000;
      return refOf(services, manifest, continued ? 'continued' : 'ran', seconds, attempt);
    } catch (error) {
      lines.push(
        `attempt ${attempt} ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      throw await toFailure(error, activity, stage.name);
    } finally {
      endTurn?.();
      for (const timer of timers) clearInterval(timer);
      if (lines.length > 0) {
        // A log that cannot be stored must not hide how the stage ended.
        await services.store.runs
          .writeLog(request.runId, stage.name, logName, redact(lines.join('\n') + '\n'))
          .catch(() => undefined);
      }
    }
  };
}

/** What code made a result; its list of files is a blob, the same one for all results of a code version. */
async function codeOfProducer(stage: Stage, { store }: Services): Promise<Pick<Producer, 'code' | 'files'>> {
  const { digest, files } = await stageCode(stage);
  const list = await store.blobs.putText(canonicalJson(Object.fromEntries(files)), 'application/json');
  return { code: digest, files: list.digest };
}

async function publish(services: Services, output: Output): Promise<BlobRef> {
  if ('bytes' in output) return services.store.blobs.put(output.bytes, output.mediaType);
  if ('text' in output) return services.store.blobs.putText(output.text, output.mediaType);
  return output.stored;
}
