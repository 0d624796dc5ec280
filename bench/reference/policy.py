"""A participant of the bench: Qwen2.5-VL of transformers in PyTorch, as somebody who wants it fast would run it.

Reads requests and writes answers, one JSON object per line, as bench/policy/protocol.ts describes them.
What is done to make it fast, beyond what transformers does by itself:
- position ids are made once per batch, as a data collator does, instead of in every forward pass;
- no attention mask in training: padding stands on the right, behind all that is learnt, so that the causal mask is
  enough, and fused attention may use its own;
- logits only from the position before the first completion on;
- AdamW fused, gradients set to None.
"""
import argparse, json, os, pathlib, sys, time, traceback

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever a library prints is talk

import torch, transformers
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as qwen

CHECKED_STEPS = 3


def attend_to_equal_windows_at_once(self, hidden_states, cu_seqlens, rotary_pos_emb=None, position_embeddings=None, **kwargs):
    """Vision attention over windows of one size as one batch; transformers loops over them in Python."""
    length, count = hidden_states.shape[0], len(cu_seqlens) - 1
    assert bool((cu_seqlens.diff() * count == length).all()), "windows of different sizes"
    q, k, v = self.qkv(hidden_states).reshape(length, 3, self.num_heads, -1).permute(1, 0, 2, 3).unbind(0)
    q, k = qwen.apply_rotary_pos_emb_vision(q, k, *position_embeddings)
    q, k, v = (x.reshape(count, length // count, self.num_heads, -1).transpose(1, 2) for x in (q, k, v))
    chosen = self.config._attn_implementation
    attend = qwen.eager_attention_forward if chosen == "eager" else qwen.ALL_ATTENTION_FUNCTIONS[chosen]
    out, _ = attend(self, q, k, v, attention_mask=None, scaling=self.scaling, dropout=0.0, is_causal=False)
    return self.proj(out.reshape(length, -1))


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
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    if options.batched_windows:
        qwen.Qwen2_5_VLVisionAttention.forward = attend_to_equal_windows_at_once
    task = None

    def answer(request):
        nonlocal task
        if request["do"] == "load":
            folder = pathlib.Path(request["folder"])
            task = TASKS[json.loads((folder / "work.json").read_text())["kind"]](folder, options.attention)
            versions = dict(python=sys.version.split()[0], torch=torch.__version__, transformers=transformers.__version__)
            return dict(threads=torch.get_num_threads(), versions=versions)
        if request["do"] == "check":
            return dict(numbers=task.check())
        if request["do"] == "run":
            milliseconds = []
            for _ in range(request["count"]):
                since = time.perf_counter()
                task.step()
                milliseconds.append((time.perf_counter() - since) * 1000)
            return dict(milliseconds=milliseconds)
        raise ValueError(f"unknown request {request['do']}")

    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception:
            said = dict(error=traceback.format_exc())
        answers.write(json.dumps(said) + "\n")
        answers.flush()


main()
