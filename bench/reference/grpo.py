"""A participant of the bench: a GRPO step with Qwen2.5-VL of transformers in PyTorch, as somebody who wants it fast would
write it. Requests and answers are those of bench/training/protocol.ts, the work that of bench/training/recorded.ts.

`generate` samples as it always does, but is led to the completions that were recorded, so that all participants write
the same tokens, check the same predictions and learn from the same texts; it sees a video once per completion, as it
always does. Rewards are not computed: the recorded advantages are used. What is done to make it fast, beyond what
transformers does by itself:
- vision attention over windows of one size as one batch;
- in the update every video is seen once, for its whole group;
- no attention mask in the update, since padding stands on the right; logits of the completions only;
- AdamW fused, gradients set to None.
"""
import argparse, json, pathlib, time

from participant import attend_to_equal_windows_at_once, loaded, serve, use_threads

import torch
from transformers import LogitsProcessor, LogitsProcessorList, Qwen2_5_VLForConditionalGeneration

PATCH, MERGE = 14, 2
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])


class Lead(LogitsProcessor):
    """Leaves one token to draw in every row: the next one of a given completion."""

    def __init__(self, completions, prompt_length):
        self.completions, self.prompt_length = completions, prompt_length

    def __call__(self, input_ids, scores):
        at = input_ids.shape[1] - self.prompt_length
        return torch.full_like(scores, -torch.inf).scatter_(1, self.completions[:, at : at + 1], 0.0)


def padded(lists, value):
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in lists], batch_first=True, padding_value=value)


class Grpo:
    def __init__(self, folder, verify):
        self.work = work = json.loads((folder / "generations.json").read_text())
        of = work["frames"]
        size = (of["videos"], of["count"], of["height"], of["width"], 3)
        self.frames = torch.frombuffer(bytearray((folder / "frames.bin").read_bytes()), dtype=torch.uint8).view(size)
        self.grid = [len(work["shown"]) // 2, of["height"] // PATCH, of["width"] // PATCH]
        self.policy, self.reference = (
            Qwen2_5_VLForConditionalGeneration.from_pretrained(work[name], dtype=torch.float32, attn_implementation="sdpa").eval()
            for name in ("policy", "reference"))
        self.reference.requires_grad_(False)
        self.prompt = torch.tensor(work["prompt"])
        self.eos, self.pad = self.policy.config.get_text_config().eos_token_id, self.policy.config.get_text_config().pad_token_id
        self.verify = dict(batched=self.verify_in_one_batch, single=self.verify_one_by_one)[verify]
        o = work["optimizer"]
        parameters = list(self.policy.parameters())
        # At learning rate 0, as ours: all of the update is computed, but every step starts with the same policy.
        self.optimizer = torch.optim.AdamW(
            [dict(params=[p for p in parameters if p.ndim >= 2], weight_decay=o["weightDecay"]),
             dict(params=[p for p in parameters if p.ndim < 2], weight_decay=0.0)],
            lr=0.0, betas=(o["beta1"], o["beta2"]), eps=1e-8, fused=True)

    def show(self, videos, frames):
        """Patches of some frames of each video, in the order of transformers' processor."""
        t, h, w = self.grid
        x = torch.stack([self.frames[video, own] for video, own in zip(videos, frames)])
        x = ((x.float() / 255 - MEAN) / STD).view(len(videos), t, 2, h // MERGE, MERGE, PATCH, w // MERGE, MERGE, PATCH, 3)
        return x.permute(0, 1, 3, 6, 4, 7, 9, 2, 5, 8).reshape(len(videos) * t * h * w, -1)

    def generate(self, patches, end, **options):
        """Tokens of every row, up to and with one that ends it."""
        videos = len(patches) // (self.grid[0] * self.grid[1] * self.grid[2])
        ids = self.prompt.expand(videos, -1)
        with torch.inference_mode():
            out = self.policy.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values_videos=patches,
                video_grid_thw=torch.tensor([self.grid] * videos), max_new_tokens=self.work["maxTokens"],
                eos_token_id=end, pad_token_id=self.pad, use_cache=True, **options)[:, len(self.prompt):]
        ended = torch.isin(out, torch.tensor(end)).cumsum(1)
        lengths = torch.cat([torch.zeros_like(ended[:, :1]), ended[:, :-1]], 1).eq(0).sum(1).tolist()
        return [row[:length].tolist() for row, length in zip(out, lengths)]

    def roll_out(self, of):
        patches = self.show(of["videos"], [self.work["shown"]] * len(of["videos"]))
        lead = Lead(padded(of["completions"], self.pad), len(self.prompt))
        written = self.generate(
            patches, [self.eos], do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            num_return_sequences=self.work["group"], logits_processor=LogitsProcessorList([lead]))
        if written != of["completions"]:
            raise RuntimeError("generate did not write the completions that it was led to")
        return written

    def shortened(self, of, cuts):
        """The shortened videos that check some completions."""
        videos = [of["videos"][cut["completion"] // self.work["group"]] for cut in cuts]
        return self.show(videos, [cut["frames"] for cut in cuts])

    def verify_in_one_batch(self, of):
        """All completions of the step at once, greedily, until the verdict is there."""
        patches = self.shortened(of, of["cuts"])
        return self.generate(patches, [self.eos, self.work["stop"]], do_sample=False) if of["cuts"] else []

    def verify_one_by_one(self, of):
        """As the released code of Vad-R1: one whole answer after the other, drawn at temperature 1."""
        return [
            self.generate(self.shortened(of, [cut]), [self.eos], do_sample=True, temperature=1.0, top_k=0, top_p=1.0)[0]
            for cut in of["cuts"]]

    def log_probs(self, model, batch):
        """[rows, completion]: log-probabilities of the completions."""
        ids, first = batch["ids"], len(self.prompt)
        seen = torch.cat(model.model.get_video_features(batch["patches"], batch["grids"]))
        seen = seen.view(len(batch["grids"]), -1, seen.shape[-1]).repeat_interleave(self.work["group"], 0)
        embedded = model.get_input_embeddings()(ids).masked_scatter(batch["shows"][..., None], seen)
        logits = model(
            inputs_embeds=embedded, position_ids=batch["positions"], use_cache=False,
            logits_to_keep=ids.shape[1] - first + 1).logits[:, :-1]
        return logits.log_softmax(-1).gather(-1, ids[:, first:, None])[..., 0]

    def collate(self, of):
        completions = padded(of["completions"], self.pad)
        prompts = self.prompt.expand(len(completions), -1)
        ids = torch.cat([prompts, completions], 1)
        # A completion may hold a video's placeholder as well, as a word that shows nothing.
        unwritten = torch.cat([prompts, torch.full_like(completions, self.pad)], 1)
        grids = torch.tensor([self.grid] * len(of["videos"]))
        mask = torch.arange(completions.shape[1]) < torch.tensor([[len(own)] for own in of["completions"]])
        return dict(
            ids=ids, shows=unwritten == self.policy.config.video_token_id, mask=mask.float(), grids=grids,
            advantages=torch.tensor(of["advantages"])[:, None],
            patches=self.show(of["videos"], [self.work["shown"]] * len(of["videos"])),
            positions=self.policy.model.get_rope_index(unwritten, None, grids.repeat_interleave(self.work["group"], 0))[0])

    def update(self, of):
        """GRPO's loss with k3 against the reference, averaged over each completion and then over all; AdamW."""
        batch = self.collate(of)
        mask = batch["mask"]
        with torch.no_grad():
            reference = self.log_probs(self.reference, batch)
        own = self.log_probs(self.policy, batch)
        kl = (reference - own).exp() - (reference - own) - 1
        per_token = self.work["beta"] * kl - (own - own.detach()).exp() * batch["advantages"]
        ((per_token * mask).sum(1) / mask.sum(1)).mean().backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.work["optimizer"]["maxGradNorm"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return [((kl.detach() * mask).sum() / mask.sum()).item(), norm.item()]

    def check(self):
        return [number for of in self.work["generations"] for number in self.update(of)]

    def step(self, generation):
        of = self.work["generations"][generation]
        since = time.perf_counter()

        def took(written):
            nonlocal since
            before, since = since, time.perf_counter()
            return dict(milliseconds=(since - before) * 1000, sequences=len(written), tokens=sum(map(len, written)))

        rollout = took(self.roll_out(of))
        verification = took(self.verify(of))
        self.update(of)
        return dict(rollout=rollout, verification=verification, update=took(of["completions"]))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", type=int, required=True)
    options.add_argument("--verify", choices=["batched", "single"], required=True)
    options = options.parse_args()
    use_threads(options.threads)
    attend_to_equal_windows_at_once()
    task = None

    def load(folder):
        nonlocal task
        task = Grpo(pathlib.Path(folder), options.verify)
        return loaded()

    serve(dict(load=load, check=lambda: dict(numbers=task.check()), step=lambda generation: task.step(generation)))


main()
