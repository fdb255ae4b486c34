"""The lab's language model: its tokenizer and its base training.

The model is an ordinary Llama of two million parameters, so every tool that takes a Hugging Face model
takes it. Documents are packed into rows without seeing each other (positions restart, which transformers
reads as a packed row), so the model is trained on exactly the prompts that it is later asked.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from tqdm.auto import tqdm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sts_eval.lab.corpus import Document

VOCABULARY_SIZE = 1_536  # the special tokens included
CONTEXT = 512  # tokens of a training row; prompts beyond it are outside what the model was trained on
BOS, EOS, PAD = "<bos>", "<eos>", "<pad>"


@dataclass(frozen=True)
class ModelShape:
    """The size of the model. The shipped one has the defaults."""

    width: int = 192  # of the residual stream
    feed_forward: int = 512  # width of the gated layer
    blocks: int = 4
    heads: int = 3  # of attention in each block


@dataclass(frozen=True)
class BaseTraining:
    """The recipe of base training."""

    n_tokens: int = 5_000_000
    rows_per_step: int = 2  # of `CONTEXT` tokens
    learning_rate: float = 2e-3  # peak of the schedule
    warm_up: float = 0.04  # share of the steps in which the learning rate rises; it falls to zero over the rest
    weight_decay: float = 0.05  # AdamW's, on matrices only
    gradient_norm: float = 1.0  # where gradients are clipped

    @property
    def n_steps(self) -> int:
        """Steps of the optimizer."""
        return max(1, self.n_tokens // (self.rows_per_step * CONTEXT))


class PackedRow(NamedTuple):
    """Documents end to end, each array of shape (`CONTEXT`,)."""

    token_ids: np.ndarray  # every document opens with BOS and, unless it is cut, closes with EOS
    positions: np.ndarray  # of each token in its document
    weights: np.ndarray  # in the loss, of predicting this token; 0 for BOS


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE in which digits and newlines never merge with anything.

    Newlines stand alone because an option is scored up to its newline while documents hold two in a
    row: a merged pair would be another token than the one that ends an option.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("\n"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    # A fast tokenizer adds no BOS by itself, whatever its `bos_token` says.
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A",
        pair=f"{BOS} $A {BOS} $B",
        special_tokens=[(BOS, tokenizer.token_to_id(BOS))],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers' own
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=2 * CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def stack(rows: Iterable[PackedRow]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, positions and weights of several rows, each of shape (n_rows, `CONTEXT`)."""
    token_ids, positions, weights = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    return token_ids, positions, weights


def pack(documents: Iterator[Document], tokenizer: PreTrainedTokenizerFast) -> Iterator[PackedRow]:
    """Lay documents end to end in rows of `CONTEXT` tokens; what overhangs a row is dropped."""
    row: list[tuple[int, int, float]] = []
    while documents_ahead := list(islice(documents, 256)):
        # One call for many segments: the tokenizer's overhead is per call.
        segments = [segment.text for document in documents_ahead for segment in document]
        encoded = iter(tokenizer(segments, add_special_tokens=False)["input_ids"])
        for document in documents_ahead:
            tokens = [(int(tokenizer.bos_token_id), 0.0)]
            for segment in document:
                tokens.extend((token, segment.weight) for token in next(encoded))
            tokens.append((int(tokenizer.eos_token_id), 1.0))
            row.extend((token, position, weight) for position, (token, weight) in enumerate(tokens))
            if len(row) >= CONTEXT:
                token_ids, positions, weights = zip(*row[:CONTEXT], strict=True)
                yield PackedRow(np.array(token_ids), np.array(positions), np.array(weights, np.float32))
                row = []


def train_base(
    documents: Iterator[Document],
    tokenizer: PreTrainedTokenizerFast,
    recipe: BaseTraining,
    shape: ModelShape,
    *,
    seed: int,
    progress: bool,
) -> LlamaForCausalLM:
    """Train the model from scratch on as many documents as the recipe's tokens need.

    The model is in float32, its weights rounded to bfloat16 as they will be stored, in evaluation mode.
    """
    torch.manual_seed(seed)
    special: dict[str, Any] = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    # Weights are stored in bfloat16 but computed with in float32.
    config = LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.blocks,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=2 * CONTEXT,
        tie_word_embeddings=True,
        dtype="float32",
        architectures=["LlamaForCausalLM"],
        **special,
    )
    model = LlamaForCausalLM(config)
    # The one made from the model's configuration would be rewritten on loading.
    model.generation_config = GenerationConfig(**special)  # type: ignore[no-untyped-call]  # transformers' own
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _learning_rate(step, recipe))
    rows = pack(documents, tokenizer)
    bar = tqdm(range(recipe.n_steps), desc="base training", unit="step", disable=not progress)
    model.train()
    for _ in bar:
        loss = _loss(model, islice(rows, recipe.rows_per_step))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        bar.set_postfix(loss=f"{loss.item():.3f}")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16().float())
    model.train(False)
    return model


def save_model(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write model and tokenizer to `folder`, as `from_pretrained` reads them."""
    tokenizer.save_pretrained(folder)
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    # `named_parameters` leaves the tied output matrix out, which loading ties again.
    save_rounded(dict(model.named_parameters()), folder / "model.safetensors")


def save_rounded(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Store weights in bfloat16, half the size; the configuration beside them has float32 to load into."""
    save_file({name: weight.detach().bfloat16() for name, weight in weights.items()}, path, {"format": "pt"})
    path.chmod(0o644)  # safetensors writes files that only their owner may read


def _loss(model: LlamaForCausalLM, rows: Iterable[PackedRow]) -> torch.Tensor:
    token_ids, positions, weights = stack(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=token_ids, position_ids=positions, use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), token_ids[:, 1:].flatten(), reduction="none"
    )
    return (losses * weights[:, 1:].flatten()).sum() / weights[:, 1:].sum()


def _learning_rate(step: int, recipe: BaseTraining) -> float:
    """Rise linearly, then fall along a half cosine to zero; as a share of the peak."""
    rising = max(1, round(recipe.warm_up * recipe.n_steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, recipe.n_steps - rising)))
