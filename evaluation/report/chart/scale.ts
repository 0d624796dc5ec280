/** Round numbers that cover [low, high], about `count` of them, ascending; steps are 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, count = 4): number[] {
  if (!(high > low)) return niceTicks(low - (Math.abs(low) || 1) / 2, low + (Math.abs(low) || 1) / 2, count);
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  // Dividing by an inverse keeps 0.3 from becoming 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Where a value lies in a domain, as a percentage with two decimals, clamped to the domain. */
export function percentOf(value: number, [low, high]: readonly [number, number]): number {
  const share = (value - low) / (high - low);
  return Math.round(Math.min(1, Math.max(0, share)) * 1e4) / 100;
}
