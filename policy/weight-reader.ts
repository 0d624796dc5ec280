import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Linear, LowRank } from './linear.js';

/** A parameter by its Hugging Face name. */
export type ParameterLookup = (name: string) => Tensor;

/** Parameters as the network's parts want them. */
export interface WeightReader {
  vector(name: string): Tensor1D;
  matrix(name: string): Tensor2D;
  /** The layer `name`, with its bias if `hasBias` says so and its low-rank part if there is one. */
  linear(name: string): Linear;
}

/**
 * Reads through a lookup.
 *
 * @param hasBias whether a linear layer has a bias
 * @param lowRank the part that LoRA adds to a linear layer, if any
 */
export function weightReader(
  parameter: ParameterLookup,
  hasBias: (linear: string) => boolean,
  lowRank: (linear: string) => LowRank | undefined,
): WeightReader {
  return {
    vector: (name) => parameter(name) as Tensor1D,
    matrix: (name) => parameter(name) as Tensor2D,
    linear: (name) => {
      const weight = parameter(`${name}.weight`) as Tensor2D;
      const added = lowRank(name);
      return {
        weight,
        ...(hasBias(name) ? { bias: parameter(`${name}.bias`) as Tensor1D } : {}),
        ...(added === undefined ? {} : { lowRank: added }),
      };
    },
  };
}
