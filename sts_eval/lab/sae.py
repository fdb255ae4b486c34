"""The lab's sparse autoencoder: a TopK one on the residual stream after the model's third block.

It is trained and written by sae-lens, so `sae_lens.SAE.load_from_disk` reads it like any other.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from safetensors.torch import load_file
from tqdm.auto import tqdm
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from sts_eval.lab.corpus import Document
from sts_eval.lab.model import CONTEXT, pack, save_rounded, stack

MODEL_NAME = "sts-lab"  # of the lab's model, in the SAE's metadata


@dataclass(frozen=True)
class SAETraining:
    """The recipe of the sparse autoencoder."""

    layer: int = 2  # block, counted from 0, after which the residual stream is read
    d_sae: int = 1_024
    k: int = 24  # features that fire on a token
    n_activations: int = 600_000  # different ones collected
    n_epochs: int = 3
    batch_size: int = 1_024  # activations in a step
    learning_rate: float = 1e-3  # of Adam; it falls to zero over the last fifth


def residual_stream(
    model: LlamaForCausalLM,
    documents: Iterator[Document],
    tokenizer: PreTrainedTokenizerFast,
    n_activations: int,
    *,
    layer: int,
    progress: bool,
) -> torch.Tensor:
    """Collect the residual stream after block `layer` on documents, shape (n_activations, d_model), float32.

    BOS is left out: it carries an activation of its own kind, many times as long as any other, that a reconstruction
    would spend its capacity on.
    """
    captured: list[torch.Tensor] = []
    collected: list[torch.Tensor] = []
    n = 0
    rows = pack(documents, tokenizer)
    with (
        model.model.layers[layer].register_forward_hook(lambda _block, _inputs, output: captured.append(output)),
        tqdm(total=n_activations, desc="activations", unit="token", disable=not progress) as bar,
        torch.no_grad(),
    ):
        while n < n_activations:
            token_ids, positions, _ = stack(islice(rows, 8))
            model.model(input_ids=token_ids, position_ids=positions, use_cache=False)
            collected.append(captured.pop()[positions > 0])
            n += len(collected[-1])
            bar.update(len(collected[-1]))
    return torch.cat(collected)[:n_activations]


def train_sae(activations: torch.Tensor, recipe: SAETraining, *, seed: int, progress: bool) -> TopKTrainingSAE:
    """Train the autoencoder with sae-lens on activations of shape (n, d_model)."""
    torch.manual_seed(seed)
    config = TopKTrainingSAEConfig(
        d_in=activations.shape[1],
        d_sae=recipe.d_sae,
        k=recipe.k,
        dtype="float32",
        device="cpu",
        normalize_activations="expected_average_only_in",
        metadata=SAEMetadata(
            model_name=MODEL_NAME,
            hook_name=f"blocks.{recipe.layer}.hook_resid_post",
            context_size=CONTEXT,
            prepend_bos=True,
        ),
    )
    batch_size = min(recipe.batch_size, len(activations))
    n_samples = max(1, recipe.n_epochs * len(activations) // batch_size) * batch_size
    n_steps = n_samples // batch_size
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=n_samples,
            train_batch_size_samples=batch_size,
            lr=recipe.learning_rate,
            lr_end=0.0,
            lr_warm_up_steps=n_steps // 20,
            lr_decay_steps=n_steps // 5,
            dead_feature_window=max(1, n_steps // 10),
            n_batches_for_norm_estimate=min(20, n_steps),
        ),
        sae=TopKTrainingSAE(config),
        data_provider=_batches(activations, batch_size),
    )
    # sae-lens has no switch for its bars.
    with contextlib.nullcontext() if progress else contextlib.redirect_stderr(io.StringIO()):
        return trainer.fit()


def save_sae(sae: TopKTrainingSAE, folder: Path) -> None:
    """Write the inference form to `folder`: weights in bfloat16, to be loaded as float32."""
    weights_path, config_path = sae.save_inference_model(folder)
    save_rounded(load_file(weights_path), weights_path)
    config = json.loads(config_path.read_text())
    config_path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _batches(activations: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    while True:
        order = torch.randperm(len(activations))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            yield activations[order[start : start + batch_size]]
