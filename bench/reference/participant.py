"""What every participant of the bench in PyTorch needs. Imported before torch, so that answers have standard output alone."""
import json, os, sys, traceback

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever a library prints is talk

import torch, transformers
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as qwen


def use_threads(count):
    torch.set_num_threads(count)
    torch.set_num_interop_threads(1)


def loaded():
    """The answer to `load`."""
    versions = dict(python=sys.version.split()[0], torch=torch.__version__, transformers=transformers.__version__)
    return dict(threads=torch.get_num_threads(), versions=versions)


def serve(does):
    """Reads requests and writes answers, one JSON object per line. `does` maps what is asked to a function of the rest."""
    for line in sys.stdin:
        try:
            request = json.loads(line)
            said = does[request.pop("do")](**request)
        except Exception:
            said = dict(error=traceback.format_exc())
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def windows_at_once(self, hidden_states, cu_seqlens, rotary_pos_emb=None, position_embeddings=None, **kwargs):
    length, count = hidden_states.shape[0], len(cu_seqlens) - 1
    assert bool((cu_seqlens.diff() * count == length).all()), "windows of different sizes"
    q, k, v = self.qkv(hidden_states).reshape(length, 3, self.num_heads, -1).permute(1, 0, 2, 3).unbind(0)
    q, k = qwen.apply_rotary_pos_emb_vision(q, k, *position_embeddings)
    q, k, v = (x.reshape(count, length // count, self.num_heads, -1).transpose(1, 2) for x in (q, k, v))
    chosen = self.config._attn_implementation
    attend = qwen.eager_attention_forward if chosen == "eager" else qwen.ALL_ATTENTION_FUNCTIONS[chosen]
    out, _ = attend(self, q, k, v, attention_mask=None, scaling=self.scaling, dropout=0.0, is_causal=False)
    return self.proj(out.reshape(length, -1))


def attend_to_equal_windows_at_once():
    """Vision attention over windows of one size as one batch; transformers loops over them in Python."""
    qwen.Qwen2_5_VLVisionAttention.forward = windows_at_once
