import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor2D } from '@tensorflow/tfjs';
import { Random } from '../../core/random.js';
import { type Backend, loadBackend, type TensorFlow } from '../../policy/backend.js';
import { groupAdvantages } from '../../training/advantages.js';
import { grpoLoss } from '../../training/grpo-loss.js';
import { tokenEntropy, tokenLogProbs } from '../../training/loss.js';
import { tokenWeights, type Aggregation } from '../../training/token-weights.js';
import {
  plainAdvantages,
  plainEntropy,
  plainGrpo,
  plainLogSoftmax,
  plainToken,
  type PlainToken,
} from './plain-grpo.js';

let backend: Backend;
let tf: TensorFlow;
beforeAll(async () => {
  backend = await loadBackend();
  tf = backend.tf;
});

const aggregations = ['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const;
const grid = <T>(rows: number, columns: number, of: (row: number, column: number) => T): T[][] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, t) => of(i, t)));

interface Drawn {
  readonly tokens: PlainToken[][];
  readonly mask: number[][];
  readonly maxCompletion: number;
  readonly activeTokens: number;
}

/** A random batch. Some rows are fully masked; no ratio sits on an edge of the clipping range. */
function draw(random: Random, options: { readonly onPolicy: boolean; readonly allMasked?: boolean }): Drawn {
  const rows = 1 + random.integer(8);
  const columns = 1 + random.integer(12);
  const low = random.uniform(0.05, 0.4);
  const high = random.uniform(0.05, 0.6);
  const beta = random.choice([0, 0.04, 0.3]);
  const advantages = Array.from({ length: rows }, () => (random.chance(0.2) ? 0 : random.normal()));
  const tokens = grid(rows, columns, (i) => {
    const logp = random.uniform(-5, -0.05);
    let shift = options.onPolicy ? 0 : random.normal() * 0.4;
    while ([1 - low, 1 + high].some((edge) => Math.abs(Math.exp(shift) - edge) < 1e-3)) shift *= 0.9;
    const ref = beta === 0 ? null : logp + random.normal() * 0.5;
    return { logp, old: logp - shift, ref, advantage: advantages[i]!, low, high, beta };
  });
  const lengths = tokens.map(() =>
    options.allMasked || random.chance(0.25) ? 0 : 1 + random.integer(columns),
  );
  const mask = grid(rows, columns, (i, t) => (t < lengths[i]! ? 1 : 0));
  const others = random.integer(20);
  return {
    tokens,
    mask,
    maxCompletion: columns + random.integer(4),
    activeTokens: lengths.reduce((a, b) => a + b, options.allMasked ? 0 : others),
  };
}

/** Loss, logged means and the gradient by the log-probabilities of our tensor code. */
function ours(
  { tokens, mask, maxCompletion, activeTokens }: Drawn,
  aggregation: Aggregation,
  onPolicy: boolean,
) {
  const [rows, columns] = [tokens.length, tokens[0]!.length];
  const of = (value: (token: PlainToken) => number) => tf.tensor2d(tokens.map((row) => row.map(value)));
  const flat = Float32Array.from(mask.flat());
  const weights = tokenWeights(flat, columns, { aggregation, rows, maxCompletion, activeTokens });
  const share = flat.map((m) => m / Math.max(activeTokens, 1));
  const { low: clipLow, high: clipHigh, beta, ref } = tokens[0]![0]!;
  const inputs = {
    weights: tf.tensor2d(weights, [rows, columns]),
    share: tf.tensor2d(share, [rows, columns]),
    advantages: tf.tensor2d(
      tokens.map((row) => row[0]!.advantage),
      [rows, 1],
    ),
    ...(ref === null ? {} : { reference: of((token) => token.ref!) }),
    ...(onPolicy ? {} : { old: of((token) => token.old) }),
  };
  const logProbs = of((token) => token.logp);
  const { kl, clipped } = grpoLoss(tf, logProbs, inputs, { clipLow, clipHigh, beta });
  const loss = (x: Tensor2D) => grpoLoss(tf, x, inputs, { clipLow, clipHigh, beta }).loss;
  const { value, grad } = tf.valueAndGrad((x) => loss(x as Tensor2D))(logProbs);
  return {
    loss: value.dataSync()[0]!,
    kl: kl.dataSync()[0]!,
    clipped: clipped.dataSync()[0]!,
    gradient: [...grad.dataSync()],
  };
}

function expectClose(found: number, wanted: number, what: string): void {
  expect(Math.abs(found - wanted), what).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(wanted)));
}

describe('plain GRPO reproduces the golden vectors', () => {
  const token = (ratio: number, advantage: number) =>
    plainToken({ logp: Math.log(ratio), old: 0, ref: null, advantage, low: 0.2, high: 0.2, beta: 0 });

  it('advantages of [2, 2, 0, 0] are +-.865950, of equal rewards 0', () => {
    for (const [i, sign] of [1, 1, -1, -1].entries()) {
      expect(plainAdvantages([2, 2, 0, 0], 'group')[i]).toBeCloseTo(sign * 0.86595, 6);
    }
    expect(plainAdvantages([1.5, 1.5, 1.5, 1.5], 'group')).toEqual([0, 0, 0, 0]);
  });

  it('a ratio of 1.5 loses -1.2 at A = 1 and 1.5 at A = -1; a ratio of .5 loses .8 at A = -1', () => {
    expect(token(1.5, 1).loss).toBeCloseTo(-1.2, 12);
    expect(token(1.5, -1).loss).toBeCloseTo(1.5, 12);
    expect(token(0.5, -1).loss).toBeCloseTo(0.8, 12);
  });

  it('k3 is .0051709 where the reference is .1 more likely', () => {
    const { k3 } = plainToken({ logp: -1.1, old: -1.1, ref: -1, advantage: 0, low: 0.2, high: 0.2, beta: 1 });
    expect(k3).toBeCloseTo(0.0051709, 7);
  });

  it('has the slope that finite differences give, on every side of the clipping range', () => {
    for (const ratio of [0.5, 0.9, 1.1, 1.5]) {
      for (const advantage of [-2, -0.1, 0, 0.1, 2]) {
        const at = (logp: number) =>
          plainToken({ logp, old: 0, ref: -0.3, advantage, low: 0.2, high: 0.2, beta: 0.04 });
        const x = Math.log(ratio);
        const difference = (at(x + 1e-5).loss - at(x - 1e-5).loss) / 2e-5;
        expect(at(x).slope, `ratio ${ratio}, advantage ${advantage}`).toBeCloseTo(difference, 7);
      }
    }
  });
});

describe('advantages against plain numbers', () => {
  it.each(['group', 'none'] as const)(
    'agree on 300 random groups, some with abstentions: scale %s',
    (scale) => {
      const random = Random.from(1, 'plain-advantages', scale);
      for (let trial = 0; trial < 300; trial++) {
        const rewards = Array.from({ length: 1 + random.integer(8) }, () =>
          random.chance(0.25) ? null : random.choice([random.uniform(-1, 3), 1, 2]),
        );
        const { advantages } = groupAdvantages(rewards, scale);
        const plain = plainAdvantages(rewards, scale);
        expect(advantages).toHaveLength(rewards.length);
        advantages.forEach((a, i) => expectClose(a, plain[i]!, JSON.stringify(rewards)));
        rewards.forEach((r, i) => r === null && expect(advantages[i]).toBe(0));
      }
    },
  );
});

describe.each(aggregations)('the GRPO loss against plain numbers: %s', (aggregation) => {
  it.each([false, true])('has the same value, KL, clipped share and gradient; on policy: %s', (onPolicy) => {
    const random = Random.from(2, 'plain-loss', aggregation, String(onPolicy));
    let clippedTokens = 0;
    let maskedRows = 0;
    for (let trial = 0; trial < 60; trial++) {
      const batch = draw(random, { onPolicy });
      const found = ours(batch, aggregation, onPolicy);
      const wanted = plainGrpo({ ...batch, aggregation });
      expectClose(found.loss, wanted.loss, 'loss');
      expectClose(found.kl, wanted.kl, 'kl');
      expectClose(found.clipped, wanted.clipped, 'clipped');
      wanted.gradient.flat().forEach((slope, i) => expectClose(found.gradient[i]!, slope, `gradient ${i}`));
      clippedTokens += wanted.clipped > 0 ? 1 : 0;
      maskedRows += batch.mask.filter((row) => !row.includes(1)).length;
    }
    expect(clippedTokens > 0).toBe(!onPolicy);
    expect(maskedRows).toBeGreaterThan(0);
  });

  it('is 0 with gradient 0 where every row is masked, not 0/0', () => {
    const random = Random.from(3, 'all-masked', aggregation);
    for (let trial = 0; trial < 10; trial++) {
      const batch = draw(random, { onPolicy: false, allMasked: true });
      const { gradient, ...numbers } = ours(batch, aggregation, false);
      for (const number of Object.values(numbers)) expect(Math.abs(number)).toBe(0);
      for (const slope of gradient) expect(Math.abs(slope)).toBe(0);
    }
  });
});

describe('what the loss is a function of', () => {
  it('does not reach masked tokens, whatever they hold', () => {
    const random = Random.from(4, 'masked');
    const batch = draw(random, { onPolicy: false });
    const changed = batch.tokens.map((row, i) =>
      row.map((token, t) => (batch.mask[i]![t] === 1 ? token : { ...token, logp: -0.7, old: -0.6 })),
    );
    for (const aggregation of aggregations) {
      expect(ours({ ...batch, tokens: changed }, aggregation, false)).toEqual(
        ours(batch, aggregation, false),
      );
    }
  });

  it('weighs a token by the length of its own completion in grpo, and all tokens alike in the others', () => {
    const token = (advantage: number): PlainToken => {
      return { logp: -1, old: -1, ref: null, advantage, low: 0.2, high: 0.2, beta: 0 };
    };
    const tokens = [Array<PlainToken>(4).fill(token(1)), Array<PlainToken>(4).fill(token(1))];
    const batch = {
      tokens,
      maxCompletion: 8,
      activeTokens: 5,
      mask: [
        [1, 0, 0, 0],
        [1, 1, 1, 1],
      ],
    };
    const first = (aggregation: Aggregation) => {
      const { gradient } = ours(batch, aggregation, true);
      return gradient.slice(0, 5).map((x) => Number(x.toFixed(6)));
    };
    expect(first('grpo')).toEqual([-0.5, 0, 0, 0, -0.125]);
    expect(first('bnpo')).toEqual([-0.2, 0, 0, 0, -0.2]);
    expect(first('dr_grpo')).toEqual([-0.0625, 0, 0, 0, -0.0625]);
    expect(first('dapo')).toEqual([-0.2, 0, 0, 0, -0.2]);
  });
});

describe('log-probabilities and entropy against plain numbers', () => {
  it('agree on random logits and temperatures', () => {
    const random = Random.from(5, 'plain-entropy');
    for (let trial = 0; trial < 40; trial++) {
      const [rows, columns, vocabulary] = [
        1 + random.integer(3),
        1 + random.integer(5),
        2 + random.integer(12),
      ];
      const temperature = random.choice([1, random.uniform(0.3, 2)]);
      const scale = random.uniform(0.1, 6);
      const logits = grid(rows, columns, () =>
        Array.from({ length: vocabulary }, () => random.normal() * scale),
      );
      const targets = grid(rows, columns, () => random.integer(vocabulary));
      const tensor = tf.tensor3d(logits);
      const entropy = tokenEntropy(tf, tensor, temperature).dataSync();
      const ids = tf.tensor2d(targets, [rows, columns], 'int32');
      const logProbs = tokenLogProbs(backend, tensor, ids, temperature).dataSync();
      logits.flat().forEach((own, at) => {
        expectClose(entropy[at]!, plainEntropy(own, temperature), 'entropy');
        expectClose(
          logProbs[at]!,
          plainLogSoftmax(own, temperature)[targets.flat()[at]!]!,
          'log-probability',
        );
      });
    }
  });
});
