import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { trainerEnvironment } from '../../workers/trainer-environment.js';

const threadsOf = (env: NodeJS.ProcessEnv): string[] => {
  const { OMP_NUM_THREADS: omp, TF_NUM_INTRAOP_THREADS: tensorFlow } = trainerEnvironment(env);
  return [omp!, tensorFlow!];
};

describe('the environment of a trainer', () => {
  it('pins two threads at most, and ops that give equal bytes', () => {
    const most = String(Math.min(2, availableParallelism()));
    expect(threadsOf({})).toEqual([most, most]);
    expect(threadsOf({ HINDSIGHT_TRAINER_THREADS: '' })).toEqual([most, most]);
    expect(trainerEnvironment({})).toMatchObject({
      TF_DETERMINISTIC_OPS: '1',
      TF_ENABLE_ONEDNN_OPTS: '1',
      TF_NUM_INTEROP_THREADS: '1',
    });
  });

  it('has as many as HINDSIGHT_TRAINER_THREADS asks for', () => {
    expect(threadsOf({ HINDSIGHT_TRAINER_THREADS: '1' })).toEqual(['1', '1']);
    expect(threadsOf({ HINDSIGHT_TRAINER_THREADS: '2' })).toEqual(['2', '2']);
  });

  it.each(['0', '3', '1.5', 'two', '-1'])('refuses %s', (threads) => {
    expect(() => trainerEnvironment({ HINDSIGHT_TRAINER_THREADS: threads })).toThrowError(
      expect.objectContaining({ code: 'worker.bad-environment', fix: 'set it to 1 or 2, or not at all' }),
    );
  });
});
