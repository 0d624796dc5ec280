import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { redact, redactJson } from '../core/redact.js';

/**
 * Takes credentials out of what an activity failed with before it goes to the history and to the worker's log; see
 * `redact`. The outermost place that every activity's error passes.
 */
export function redactFailures(): ActivityInterceptors {
  return {
    inbound: {
      execute: async (input, next) => {
        try {
          return await next(input);
        } catch (error) {
          for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
            inner.message = redact(inner.message);
            if (inner instanceof ApplicationFailure && inner.details != null)
              Object.assign(inner, { details: redactJson(inner.details) });
            if (inner.stack !== undefined) inner.stack = redact(inner.stack);
          }
          throw error;
        }
      },
    },
  };
}
