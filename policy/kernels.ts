/** Kernels that take the place of TensorFlow.js' own on the native library. */
import type { Tensor } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import type { NativeBackend } from './native.js';

/**
 * TensorFlow.js runs every matrix product as BatchMatMulV2. For plain matrices TensorFlow's MatMul gives the same
 * numbers, takes a fifth of the time on the small ones of a decoding step and can be fused with the bias in a graph.
 */
export function useMatMul(tf: TensorFlow): void {
  const batched = tf.getKernel('BatchMatMul', 'tensorflow');
  tf.unregisterKernel('BatchMatMul', 'tensorflow');
  tf.registerKernel({
    ...batched,
    kernelFunc: (call) => {
      const [a, b] = [call.inputs['a'] as Tensor, call.inputs['b'] as Tensor];
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.dtype !== 'float32')
        return batched.kernelFunc(call);
      const native = call.backend as unknown as NativeBackend;
      const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = native.binding;
      const attributes = [
        { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
        { name: 'transpose_a', type: TF_ATTR_BOOL, value: call.attrs!['transposeA'] },
        { name: 'transpose_b', type: TF_ATTR_BOOL, value: call.attrs!['transposeB'] },
      ];
      return native.executeMultipleOutputs('MatMul', attributes, [a, b], 1)[0]!;
    },
  });
}

/**
 * TensorFlow.js' gather fetches the indices to check them on the host, which a step that is being traced cannot do and a
 * GPU would have to wait for. TensorFlow's own kernel checks them where they are.
 */
export function useGather(tf: TensorFlow): void {
  const checked = tf.getKernel('GatherV2', 'tensorflow');
  tf.unregisterKernel('GatherV2', 'tensorflow');
  tf.registerKernel({
    ...checked,
    kernelFunc: (call) => {
      const [x, indices] = [call.inputs['x'] as Tensor, call.inputs['indices'] as Tensor];
      const native = call.backend as unknown as NativeBackend;
      const { TF_ATTR_TYPE, TF_ATTR_INT, TF_FLOAT, TF_INT32 } = native.binding;
      const attributes = [
        { name: 'batch_dims', type: TF_ATTR_INT, value: call.attrs!['batchDims'] },
        { name: 'Tparams', type: TF_ATTR_TYPE, value: x.dtype === 'int32' ? TF_INT32 : TF_FLOAT },
        { name: 'Tindices', type: TF_ATTR_TYPE, value: TF_INT32 },
        { name: 'Taxis', type: TF_ATTR_TYPE, value: TF_INT32 },
      ];
      const axis = tf.scalar(call.attrs!['axis'] as number, 'int32');
      const [found] = native.executeMultipleOutputs('GatherV2', attributes, [x, indices, axis], 1);
      axis.dispose();
      return found!;
    },
  });
}
