"""A participant of the bench: Qwen2.5-VL of transformers in PyTorch, as somebody who wants it fast would run it.

Requests and answers are those of bench/policy/protocol.ts.
What is done to make it fast, beyond what transformers does by itself:
- position ids are made once per batch, as a data collator does, instead of in every forward pass;
- no attention mask in training: padding stands on the right, behind all that is learnt, so that the causal mask is
  enough, and fused attention may use its own;
- logits only from the position before the first completion on;
- AdamW fused, gradients set to None.
"""
import argparse, json, pathlib, time

from participant import attend_to_equal_windows_at_once, loaded, serve, use_threads

import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import Qwen2_5_VLForConditionalGeneration

CHECKED_STEPS = 3


class Task:
    def __init__(self, folder, attention):
        self.work = json.loads((folder / "work.json").read_text())
        self.patches = load_file(folder / "patches.safetensors")["patches"]
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder / "model", dtype=torch.float32, attn_implementation=attention)
        videos = max(len(batch["prompts"]) for batch in self.work["batches"])
        self.grids = torch.tensor([[self.work["grid"][side] for side in "thw"]] * videos)

    def positions(self, ids):
        return self.model.model.get_rope_index(ids, None, self.grids)[0]


class SupervisedTask(Task):
    def __init__(self, folder, attention):
        super().__init__(folder, attention)
        self.model.train()
        self.batches = [self.collate(**batch) for batch in self.work["batches"]]
        o = self.work["optimizer"]
        parameters = list(self.model.parameters())
        self.clip = o["maxGradNorm"]
        self.optimizer = torch.optim.AdamW(
            [dict(params=[p for p in parameters if p.ndim >= 2], weight_decay=o["weightDecay"]),
             dict(params=[p for p in parameters if p.ndim < 2], weight_decay=0.0)],
            lr=o["learningRate"], betas=(o["beta1"], o["beta2"]), eps=1e-8, fused=True)
        self.steps = 0

    def collate(self, prompts, completions):
        pad = self.model.config.get_text_config().pad_token_id
        length = max(len(p) + len(c) for p, c in zip(prompts, completions))
        first = min(map(len, prompts))
        ids = torch.full((len(prompts), length), pad)
        labels = torch.full((len(prompts), length), -100)
        for row, (prompt, completion) in enumerate(zip(prompts, completions)):
            end = len(prompt) + len(completion)
            ids[row, :end] = torch.tensor(prompt + completion)
            labels[row, len(prompt):end] = torch.tensor(completion)
        kept = length - first + 1  # from the token before the first completion on
        return dict(ids=ids, labels=labels[:, first:].reshape(-1), kept=kept, positions=self.positions(ids))

    def loss(self, batch):
        logits = self.model(
            input_ids=batch["ids"], position_ids=batch["positions"], pixel_values_videos=self.patches,
            video_grid_thw=self.grids, use_cache=False, logits_to_keep=batch["kept"]).logits
        return cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"])

    def step(self):
        loss = self.loss(self.batches[self.steps % len(self.batches)])
        self.steps += 1
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def check(self):
        return [self.step() for _ in range(CHECKED_STEPS)]


class PrefillTask(Task):
    def __init__(self, folder, attention):
        super().__init__(folder, attention)
        self.model.eval()
        self.ids = torch.tensor(self.work["batches"][0]["prompts"])
        self.prompt_positions = self.positions(self.ids)

    @torch.inference_mode()
    def logits(self):
        return self.model(
            input_ids=self.ids, position_ids=self.prompt_positions, pixel_values_videos=self.patches,
            video_grid_thw=self.grids, use_cache=True, logits_to_keep=1).logits[:, -1]

    step = logits

    def check(self):
        return self.logits().flatten().tolist()


class SamplingTask(PrefillTask):
    def __init__(self, folder, attention):
        super().__init__(folder, attention)
        torch.manual_seed(self.work["seed"])
        self.model.generation_config.eos_token_id = None

    def step(self):
        new = self.work["newTokens"]
        out = self.model.generate(
            input_ids=self.ids, attention_mask=torch.ones_like(self.ids), pixel_values_videos=self.patches,
            video_grid_thw=self.grids, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, use_cache=True,
            num_return_sequences=self.work["group"], max_new_tokens=new)
        wanted = (len(self.ids) * self.work["group"], self.ids.shape[1] + new)
        if tuple(out.shape) != wanted:
            raise RuntimeError(f"generate returned {tuple(out.shape)} instead of {wanted}")


TASKS = dict(sft=SupervisedTask, prefill=PrefillTask, sampling=SamplingTask)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--attention", choices=["eager", "sdpa"], required=True)
    options.add_argument("--threads", type=int, required=True)
    options.add_argument("--batched-windows", action="store_true", help="vision windows of one size in one call")
    options = options.parse_args()
    use_threads(options.threads)
    if options.batched_windows:
        attend_to_equal_windows_at_once()
    task = None

    def load(folder):
        nonlocal task
        folder = pathlib.Path(folder)
        task = TASKS[json.loads((folder / "work.json").read_text())["kind"]](folder, options.attention)
        return loaded()

    def run(count):
        milliseconds = []
        for _ in range(count):
            since = time.perf_counter()
            task.step()
            milliseconds.append((time.perf_counter() - since) * 1000)
        return dict(milliseconds=milliseconds)

    serve(dict(load=load, check=lambda: dict(numbers=task.check()), run=run))


main()
