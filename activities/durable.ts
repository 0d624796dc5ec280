import { hostname } from 'node:os';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { HindsightError } from '../core/errors.js';
import { redact } from '../core/redact.js';
import type { Json } from '../core/canonical-json.js';
import type { BlobRef } from '../artifacts/blobs.js';
import { stageKey, type KeyParts, type Manifest } from '../artifacts/manifest.js';
import { codeDigest } from './code-digest.js';
import { readConfig } from './run-config.js';
import type { HeartbeatDetails, StageRef, StageRequest } from './contract.js';
import type { KeyContext, Output, Services, Stage, StageContext } from './stage.js';

/** How often an activity says that it lives; the worker throttles what really goes out. */
const heartbeatMs = 1000;
/** A failure that is not one of ours may be a passing one; this many attempts, then it counts as terminal. */
const attemptsForUnknownErrors = 4;

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
 * The activity of a stage: looks its key up, and if no manifest holds it, runs the stage under heartbeats, publishes the
 * outputs and then the manifest. Gives every stage the same behaviour under kills, cancellation and races.
 */
export function durable(stage: Stage, services: Services): (request: StageRequest) => Promise<StageRef> {
  return async (request) => {
    const activity = Context.current();
    const { attempt } = activity.info;
    const startedAt = new Date();
    const details: { -readonly [K in keyof HeartbeatDetails]: HeartbeatDetails[K] } = {
      stage: stage.name,
      progress: null,
      warnings: [],
      checkpoint: null,
    };
    const timer = setInterval(() => activity.heartbeat(details), heartbeatMs);
    const lines: string[] = [];
    let logName = `attempt-${attempt}`;
    try {
      activity.heartbeat(details);
      const config = await readConfig(services.store, request.config);
      const { key, parts } = await keyOf(stage, { request, config, services });
      logName = `${key.slice(0, 12)}-${attempt}`;
      const known = await services.store.manifests.find(stage.name, key);
      if (known !== null) return refOf(services, known, 'reused', 0, attempt);

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
          activity.heartbeat(details);
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
          code: await codeDigest(stage),
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
      if (details.checkpoint !== null || continued) await services.store.checkpoints.clear(stage.name, key);
      const seconds = (endedAt.getTime() - startedAt.getTime()) / 1000;
      return refOf(services, manifest, continued ? 'continued' : 'ran', seconds, attempt);
    } catch (error) {
      lines.push(
        `attempt ${attempt} ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      throw await toFailure(error, activity, stage.name);
    } finally {
      clearInterval(timer);
      if (lines.length > 0) {
        // A log that cannot be stored must not hide how the stage ended.
        await services.store.runs
          .writeLog(request.runId, stage.name, logName, redact(lines.join('\n') + '\n'))
          .catch(() => undefined);
      }
    }
  };
}

async function publish(services: Services, output: Output): Promise<BlobRef> {
  if ('bytes' in output) return services.store.blobs.put(output.bytes, output.mediaType);
  if ('text' in output) return services.store.blobs.putText(output.text, output.mediaType);
  return output.stored;
}

/**
 * What Temporal is told: our two kinds of error keep their meaning, and work that was stopped from outside ends as a
 * cancellation, which the server retries elsewhere after a worker shutdown.
 */
async function toFailure(error: unknown, activity: Context, stage: string): Promise<Error> {
  if (activity.cancellationSignal.aborted) {
    try {
      await activity.cancelled;
    } catch (cancelled) {
      if (cancelled instanceof Error) return cancelled;
    }
  }
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof HindsightError) {
    // Temporal keeps about 4 kB of a message; the log in the store has all of it.
    return ApplicationFailure.create({
      message: `${stage}: ${error.message}`.slice(0, 3000),
      type: error.code,
      nonRetryable: !error.retryable,
      details: [{ fix: error.fix ?? null, fields: error.fields as Json }],
    });
  }
  return ApplicationFailure.create({
    message: `${stage}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 3000),
    type: 'unexpected',
    nonRetryable: activity.info.attempt >= attemptsForUnknownErrors,
  });
}
