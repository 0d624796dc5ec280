import { fileURLToPath } from 'node:url';
import { TerminalError } from '../core/errors.js';
import type { Locations } from './candidates.js';
import type { StageContext } from './stage.js';

/** A function that finds a video by digest for this worker, from the run's `locations.json`. */
export async function videoLocator(context: StageContext): Promise<(digest: string) => string> {
  const { runId } = context.request;
  const locations = (await context.services.store.runs.readDocument(
    runId,
    'locations.json',
  )) as Locations | null;
  return (digest) => {
    const location = locations?.[digest];
    if (location === undefined) {
      throw new TerminalError('video.no-location', `run ${runId} does not say where video ${digest} lies`, {
        fix: `hindsight resume ${runId}`,
      });
    }
    return fileURLToPath(location);
  };
}
