/**
 * GRPO in plain numbers, written from the formulas alone and sharing nothing with training/: what the tensor code is
 * compared with. Rows are completions, columns their tokens.
 */

/** (r - mean) / (sample std + 1e-4) over the rewards that are there; 0 for a completion on which all abstained. */
export function plainAdvantages(rewards: readonly (number | null)[], scale: 'group' | 'none'): number[] {
  let count = 0;
  let sum = 0;
  for (const r of rewards) {
    if (r === null) continue;
    count += 1;
    sum += r;
  }
  let squares = 0;
  for (const r of rewards) if (r !== null) squares += (r - sum / count) * (r - sum / count);
  const std = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const advantages: number[] = [];
  for (const r of rewards) {
    if (r === null) advantages.push(0);
    else advantages.push(scale === 'group' ? (r - sum / count) / (std + 1e-4) : r - sum / count);
  }
  return advantages;
}

/** log softmax(logits / temperature) of every token. */
export function plainLogSoftmax(logits: readonly number[], temperature: number): number[] {
  let total = 0;
  for (const x of logits) total += Math.exp(x / temperature);
  return logits.map((x) => x / temperature - Math.log(total));
}

/** Entropy in nats of softmax(logits / temperature). */
export function plainEntropy(logits: readonly number[], temperature: number): number {
  let entropy = 0;
  for (const logp of plainLogSoftmax(logits, temperature)) entropy -= Math.exp(logp) * logp;
  return entropy;
}

export interface PlainToken {
  readonly logp: number;
  readonly old: number;
  /** Null at beta 0. */
  readonly ref: number | null;
  readonly advantage: number;
  readonly low: number;
  readonly high: number;
  readonly beta: number;
}

/** Loss of one token and its derivative by logp, which is zero where the clipped side is the smaller one. */
export function plainToken({ logp, old, ref, advantage: A, low, high, beta }: PlainToken) {
  const ratio = Math.exp(logp - old);
  const outside = ratio < 1 - low || ratio > 1 + high;
  const bounded = ratio < 1 - low ? 1 - low : ratio > 1 + high ? 1 + high : ratio;
  const gain = ratio * A < bounded * A ? ratio * A : bounded * A;
  const isHeld = (A > 0 && ratio > 1 + high) || (A < 0 && ratio < 1 - low);
  const k3 = ref === null ? 0 : Math.exp(ref - logp) - (ref - logp) - 1;
  const k3Slope = ref === null ? 0 : 1 - Math.exp(ref - logp);
  return {
    ratio,
    outside,
    k3,
    loss: -gain + beta * k3,
    slope: (isHeld ? 0 : -ratio * A) + beta * k3Slope,
  };
}

export interface PlainBatch {
  readonly tokens: readonly (readonly PlainToken[])[];
  readonly mask: readonly (readonly number[])[];
  readonly aggregation: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';
  readonly maxCompletion: number;
  /** Of the whole generation. */
  readonly activeTokens: number;
}

/** The loss of a batch, its gradient by the log-probability of every token, and the means that are logged. */
export function plainGrpo({ tokens, mask, aggregation, maxCompletion, activeTokens }: PlainBatch) {
  const rows = tokens.length;
  let batchTokens = 0;
  for (const row of mask) for (const m of row) batchTokens += m;
  let loss = 0;
  let kl = 0;
  let clipped = 0;
  const gradient: number[][] = [];
  for (let i = 0; i < rows; i++) {
    let rowTokens = 0;
    for (const m of mask[i]!) rowTokens += m;
    const divisor = {
      grpo: rows * Math.max(rowTokens, 1),
      bnpo: Math.max(batchTokens, 1),
      dr_grpo: rows * maxCompletion,
      dapo: Math.max(activeTokens, 1),
    }[aggregation];
    const slopes: number[] = [];
    for (const [t, token] of tokens[i]!.entries()) {
      const own = plainToken(token);
      const m = mask[i]![t]!;
      loss += (m * own.loss) / divisor;
      slopes.push((m * own.slope) / divisor);
      kl += (m * own.k3) / Math.max(activeTokens, 1);
      clipped += m * (own.outside ? 1 / Math.max(activeTokens, 1) : 0);
    }
    gradient.push(slopes);
  }
  return { loss, kl, clipped, gradient };
}
