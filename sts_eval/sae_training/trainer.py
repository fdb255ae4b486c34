"""One training by sae-lens: steps with progress, checkpoints to go on from, and the quality on held-out activations."""

import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAETrainer
from sae_lens.config import SAETrainerConfig
from sae_lens.constants import ACTIVATION_SCALER_CFG_FILENAME
from sae_lens.registry import get_sae_training_class
from sae_lens.saes.sae import SAEMetadata, TrainingSAE
from torch import Tensor

from sts_eval.errors import UserError
from sts_eval.experiment import SAETrainSettings
from sts_eval.model.sae import fraction_unexplained
from sts_eval.progress import Progress

STAGE = "training the SAE"

_SPARSITY = {"standard": "l1_coefficient", "jumprelu": "l0_coefficient", "gated": "l1_coefficient"}

_BLOCK = 4096  # tokens that are judged at once


def new_sae(settings: SAETrainSettings, d_model: int, hook_name: str, model_id: str, device: str) -> TrainingSAE[Any]:
    """An untrained SAE of the wanted kind."""
    kind, config = get_sae_training_class(settings.architecture)
    own: dict[str, Any] = {}
    if settings.architecture not in _SPARSITY:
        own["k"] = settings.k
    elif settings.sparsity is not None:
        own[_SPARSITY[settings.architecture]] = settings.sparsity
    torch.manual_seed(settings.seed)
    return kind(
        config(
            d_in=d_model,
            d_sae=settings.d_sae(d_model),
            dtype="float32",
            device=device,
            normalize_activations="expected_average_only_in",
            metadata=SAEMetadata(model_name=model_id, hook_name=hook_name, context_size=settings.context),
            **own,
        )
    )


def train(
    sae: TrainingSAE[Any],
    batches: Iterator[Tensor],
    settings: SAETrainSettings,
    n_tokens: int,
    checkpoints: Path,
    progress: Progress,
    tell: Callable[[str], None],
) -> int:
    """Train `sae` in place on `settings.epochs` times `n_tokens` activations, from the last checkpoint if there is one.

    The scale of the activations is estimated first, as sae-lens does (mean norm √d_in), and folded into the weights at
    the end, so that the SAE reads activations as the model makes them.

    Returns:
        The number of dead features.
    """
    batch = min(settings.batch, n_tokens)
    n_steps = max(1, settings.epochs * n_tokens // batch)
    n_estimate = min(50, n_steps)
    trainer: SAETrainer[Any, Any] = SAETrainer(
        SAETrainerConfig(
            total_training_samples=n_steps * batch,
            train_batch_size_samples=batch,
            lr=settings.learning_rate,
            lr_end=0.0,
            lr_warm_up_steps=n_steps // 20,
            lr_decay_steps=n_steps // 3,
            dead_feature_window=max(1, n_steps // 10),
            checkpoint_path=str(checkpoints),
            device=str(sae.cfg.device),
        ),
        sae,
        batches,
    )
    last = _last_checkpoint(checkpoints)
    if last is None:
        norms = [used.norm(dim=1).mean() for used in islice(batches, n_estimate)]
        trainer.activation_scaler.scaling_factor = sae.cfg.d_in**0.5 / float(torch.stack(norms).mean())
    else:
        sae.load_weights_from_checkpoint(last)
        trainer.load_trainer_state(last)
        for _ in range(n_estimate + trainer.n_training_steps):
            next(batches)
    tenth = max(1, n_steps // 10)
    for step in range(trainer.n_training_steps + 1, n_steps + 1):
        trainer.maybe_reset_sparsity()
        output = trainer.step(next(batches))
        trainer.n_training_steps = step
        progress(STAGE, step, n_steps)
        if step % tenth == 0:
            measured = trainer.build_train_step_log_dict(output, trainer.n_training_samples)
            fvu, l0 = 1 - measured["metrics/explained_variance"], measured["metrics/l0"]
            dead = f"{measured['sparsity/dead_features']} of {sae.cfg.d_sae:,} features dead"
            tell(f"{trainer.n_training_samples:,} tokens: FVU {fvu:.3f}, L0 {l0:.1f}, {dead}")
            if step < n_steps:
                _save_checkpoint(trainer, checkpoints)
    sae.fold_activation_norm_scaling_factor(trainer.activation_scaler.scaling_factor)
    trainer.set_final_sae_metadata()
    return int(trainer.dead_neurons.sum())


@torch.no_grad()
def fvu_and_l0(sae: TrainingSAE[Any], activations: Tensor) -> tuple[float, float]:
    """The fraction of variance unexplained on activations (n_tokens, d_model), and mean number of firing features."""
    parts, fired = [], 0
    for block in torch.split(activations, _BLOCK):
        features = sae.encode(block.to(sae.device))
        parts.append(sae.decode(features).cpu())
        fired += int((features != 0).sum())
    fvu = fraction_unexplained(activations, torch.cat(parts))
    if fvu is None:
        raise UserError("all held-out activations are the same, so nothing can be judged", "Give more text with --text")
    return fvu, fired / len(activations)


def _save_checkpoint(trainer: SAETrainer[Any, Any], folder: Path) -> None:
    """Save the state of the training, and remove the state before."""
    before = list(folder.iterdir()) if folder.is_dir() else []
    trainer.save_checkpoint(str(trainer.n_training_samples))
    for checkpoint in before:
        shutil.rmtree(checkpoint)


def _last_checkpoint(folder: Path) -> Path | None:
    """The last whole checkpoint; the scaler's file is the last one that sae-lens writes."""
    whole = [file.parent for file in folder.glob(f"*/{ACTIVATION_SCALER_CFG_FILENAME}")]
    return max(whole, key=lambda path: int(path.name), default=None)
