import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { uniformAt } from '../core/random.js';
import type { Backend } from './backend.js';
import { nativeBackend } from './native.js';

/**
 * Zeroes a share of the values and scales the others up (inverted dropout). Which ones follows from the seed and the
 * place alone, inside a compiled step too, and is the same again when a layer is recomputed.
 *
 * @param share of the values that are zeroed
 * @param seed int32 [2], another one for every step
 * @param place tells dropouts of one step apart
 */
export function dropOut(backend: Backend, x: Tensor2D, share: number, seed: Tensor, place: number): Tensor2D {
  const { tf } = backend;
  const own = tf.add(seed, tf.tensor1d([place, 0], 'int32'));
  const kept = tf.cast(tf.greaterEqual(uniforms(backend, own, x.shape), share), 'float32');
  return tf.mul(x, tf.mul(kept, 1 / (1 - share)));
}

/** Uniform numbers in [0, 1) that depend on a seed tensor: a stateless kernel of the native library, else ours. */
function uniforms(backend: Backend, seed: Tensor, shape: [number, number]): Tensor2D {
  const { tf } = backend;
  const native = nativeBackend(backend);
  if (native === null) {
    const [low, high] = seed.dataSync();
    const key = [low! >>> 0, high! >>> 0] as const;
    return tf.tensor2d(
      Float32Array.from({ length: shape[0] * shape[1] }, (_, at) => uniformAt(key, at)),
      shape,
    );
  }
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = native.binding;
  const attributes = [
    { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'T', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'Tseed', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  const inputs = [tf.tensor1d(shape, 'int32'), seed];
  return native.executeMultipleOutputs('StatelessRandomUniform', attributes, inputs, 1)[0] as Tensor2D;
}
