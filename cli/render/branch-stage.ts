/** A stage's name with the variant it belongs to, `half-data/sft`; the run's own stages have none before them. */
export function branchStage({
  variant,
  name,
}: {
  readonly variant: string | null;
  readonly name: string;
}): string {
  return variant === null ? name : `${variant}/${name}`;
}
