import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Backend } from './backend.js';
import { nativeBackend } from './native.js';

/**
 * Runs a part of the network without keeping what its gradient needs, and runs it again when the gradient is asked for
 * (Chen et al. 2016, "Training deep nets with sublinear memory cost"): memory for one more forward pass.
 *
 * @param inputs everything that gradients flow to; whatever else `body` reads gets none
 * @param body the part; `read` is to be applied to whatever it reads beside `inputs`
 */
export function recompute(
  backend: Backend,
  inputs: readonly Tensor[],
  body: (inputs: readonly Tensor[], read: (tensor: Tensor) => Tensor) => Tensor2D,
): Tensor2D {
  const { tf } = backend;
  return tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as (tensors: Tensor[]) => void;
    const given = args.slice(0, -1).map((tensor) => tensor as Tensor);
    const value = tf.tidy(() => body(given, (tensor) => tensor));
    save(given);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] =>
      tf.tidy(() => {
        const again = (...tensors: Tensor[]) => body(tensors, (tensor) => after(backend, tensor, [dy]));
        // TensorFlow.js has one tape: the gradient that is being taken needs its own back.
        const { state } = tf.engine();
        const tape = state.activeTape;
        try {
          const [dx, ...others] = tf.grads(again)(
            saved.map((tensor) => after(backend, tensor, [dy])),
            dy,
          );
          // The layer below waits for all gradients of this one, which would else keep its second run alive.
          return [after(backend, dx!, others), ...others];
        } finally {
          state.activeTape = tape;
        }
      });
    return { value, gradFunc };
  })(...inputs);
}

/**
 * The same tensor, in a recorded graph not before `dependencies` are there. Without that TensorFlow would see that the
 * second run computes what the first one did, and keep that instead.
 */
function after(backend: Backend, tensor: Tensor, dependencies: readonly Tensor[]): Tensor {
  const native = nativeBackend(backend);
  const record = native?.binding.executeAfter;
  if (native === null || record === undefined) return tensor;
  const [id, ...others] = native.getInputTensorIds([tensor, ...dependencies]);
  return native.createOutputTensor(record(id!, others));
}
