import { expect, test } from 'vitest';
import type { ExportReport } from '../../../cli/render/export.js';
import { exportText } from '../../../cli/render/export.js';

const model: ExportReport = {
  runId: 'demo-1',
  checkpoint: 'grpo',
  folder: '/models/my model',
  kind: 'model',
  dtype: 'bf16',
  base: null,
  rank: null,
  seesVision: false,
  files: ['config.json'],
};
const adapter: ExportReport = {
  ...model,
  folder: '/models/adapter',
  kind: 'adapter',
  base: '/weights/Qwen2.5-VL-7B-Instruct',
  rank: 12,
};

test('a model is served as it is', () => {
  expect(exportText(model, 'my model')).toMatchInlineSnapshot(`
    "grpo of demo-1: the model in bf16, at
    /models/my model

    Serve it:  vllm serve '/models/my model' --served-model-name 'my model'
    In Python: Qwen2_5_VLForConditionalGeneration.from_pretrained("/models/my model")
    "
  `);
});

test('an adapter is served with its base', () => {
  expect(exportText(adapter, 'adapter')).toMatchInlineSnapshot(`
    "grpo of demo-1: an adapter of rank 12 in bf16, at
    /models/adapter

    Serve it:  vllm serve /weights/Qwen2.5-VL-7B-Instruct --enable-lora --max-lora-rank 16 --lora-modules adapter=/models/adapter
    In Python: PeftModel.from_pretrained(Qwen2_5_VLForConditionalGeneration.from_pretrained("/weights/Qwen2.5-VL-7B-Instruct"), "/models/adapter")
    "
  `);
});

test('an adapter that vLLM would not load is to be merged first', () => {
  expect(exportText({ ...adapter, seesVision: true }, 'adapter')).toMatchInlineSnapshot(`
    "grpo of demo-1: an adapter of rank 12 in bf16, at
    /models/adapter

    Serve it:  it changes the vision tower, which vLLM may not take from an adapter; write a whole model: hindsight export demo-1 grpo FOLDER --merge
    In Python: PeftModel.from_pretrained(Qwen2_5_VLForConditionalGeneration.from_pretrained("/weights/Qwen2.5-VL-7B-Instruct"), "/models/adapter")
    "
  `);
});
