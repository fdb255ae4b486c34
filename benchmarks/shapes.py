"""Models of real sizes and random weights, or real ones, on which cost is measured, and the floor under that cost.

What is timed does not depend on the weights, so SAEs are random.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sae_lens import SAE, JumpReLUSAE, JumpReLUSAEConfig
from sae_lens.saes.sae import SAEMetadata
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.model.sae import SparseAutoencoder

WORDS = 4000
"""Vocabulary: a word is a token."""


@dataclass(frozen=True)
class Shape:
    """A model's size, and the work that is put before it; by default a Llama whose heads have keys of their own."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    d_sae: int
    prefix: int = 8000
    question: int = 150
    questions: int = 24
    weights: int | None = None  # of the matrices of a block
    attention: int | None = None  # width of all queries of a block
    window: int | None = None  # tokens that most blocks see, where they see no more

    @classmethod
    def of(cls, network: Any, *, prefix: int, questions: int) -> Shape:
        """The size of a real model, with an SAE eight times as wide."""
        config = network.config.get_text_config()
        block = network.model.layers[0]
        return cls(
            config.hidden_size,
            config.num_hidden_layers,
            config.num_attention_heads,
            config.intermediate_size,
            config.vocab_size,
            8 * config.hidden_size,
            prefix=prefix,
            questions=questions,
            weights=sum(part.numel() for part in block.parameters() if part.dim() > 1),
            attention=config.num_attention_heads * block.self_attn.head_dim,
            window=getattr(config, "sliding_window", None),
        )

    @property
    def hook(self) -> int:
        """Block after which activations are read: the middle."""
        return self.layers // 2 - 1


SHAPES = {
    "tiny": Shape(64, 4, 4, 128, 4096, 1024, prefix=400, question=30, questions=6),
    "small": Shape(256, 8, 4, 768, 8192, 4096),
    "100m": Shape(768, 12, 12, 2048, 32000, 16384),
    "7b": Shape(4096, 32, 32, 11008, 32000, 131072, questions=133),
}


def build(shape: Shape, device: str) -> LlamaForCausalLM:
    """A model of random weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=16_384,
    )
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    with torch.device(device):
        return LlamaForCausalLM(config).to(dtype).eval()


def tokenizer() -> PreTrainedTokenizerFast:
    """A word is a token."""
    names = ["Question:", "Answer:", "<bos>", "<eos>", *(f"w{number}" for number in range(WORDS - 4))]
    backend = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token="w0"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>")


def autoencoder(shape: Shape, d_sae: int, device: str) -> SparseAutoencoder:
    """A JumpReLU SAE of random weights, a few percent of whose features fire."""
    torch.manual_seed(1)
    hook = f"blocks.{shape.hook}.hook_resid_post"
    sae: SAE[Any] = JumpReLUSAE(
        JumpReLUSAEConfig(d_in=shape.hidden, d_sae=d_sae, device=device, metadata=SAEMetadata(hook_name=hook))
    )
    with torch.no_grad():
        sae.W_enc.normal_(std=shape.hidden**-0.5)
        sae.threshold.fill_(0.04)
    return SparseAutoencoder(sae, hook, None, None, "random", None)


def common_words(tokenizer: Any) -> list[str]:
    """Words that are a token each behind a space, the most common ones first."""
    texts = (tokenizer.decode([token]) for token in range(len(tokenizer)))
    words = (text[1:] for text in texts if text[:1] == " " and text[1:].isascii() and text[1:].isalpha())
    return list(dict.fromkeys(words))[:WORDS]


def texts(shape: Shape, seed: int = 0, vocabulary: Sequence[str] = ()) -> tuple[TrainingSet, Domain]:
    """Two long demonstrations and many questions; a domain with five short demonstrations."""
    known = vocabulary or [f"w{number}" for number in range(WORDS - 4)]
    rng = np.random.default_rng(seed)

    def words(n: int) -> str:
        return " ".join(known[number] for number in rng.integers(0, len(known), n))

    half = shape.prefix // 2 - shape.question - 4
    rows = [Example(words(shape.question), words(half)) for _ in range(shape.questions + 2)]
    shown = [Example(words(shape.question), words(max(8, 240 - shape.question))) for _ in range(5)]
    asked = [Question(str(number), "domain", words(shape.question)) for number in range(shape.questions)]
    return TrainingSet("random", None, "", rows, "0" * 64), Domain("domain", asked, shown)


def block_flops(shape: Shape, blocks: int, tokens: float, seen: float) -> float:
    """Operations of tokens that go through so many blocks and each see so many others on average.

    Where blocks see a window, all are taken to: the floor is then a little too low.
    """
    weights = shape.weights or 4 * shape.hidden**2 + 3 * shape.hidden * shape.feed_forward
    seen = min(seen, shape.window or seen)
    return blocks * tokens * (2 * weights + 4 * (shape.attention or shape.hidden) * seen)


def flops(shape: Shape) -> float:
    """Least work of step 1: unique tokens through the blocks up to the hook, their attention, and the SAE."""
    blocks, asked = shape.hook + 1, shape.questions * shape.question
    prefix = block_flops(shape, blocks, shape.prefix, shape.prefix / 2)
    alone = block_flops(shape, blocks, asked, shape.question / 2)
    behind = block_flops(shape, blocks, asked, shape.prefix + shape.question / 2)
    return prefix + alone + behind + 2 * 2 * shape.hidden * shape.d_sae * asked


def matmul_rate(network: PreTrainedModel) -> float:
    """FLOPs a second of a large matrix product, the best of several."""
    dtype, device, n = network.dtype, network.device, 2048
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(8):
        wait(network)
        start = time.perf_counter()
        a @ b
        wait(network)
        best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def wait(network: PreTrainedModel) -> None:
    """Until an accelerator has done what it was told."""
    if network.device.type == "cuda":
        torch.cuda.synchronize()
