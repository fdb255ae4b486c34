"""One training run: `trl.SFTTrainer` on token rows, with a LoRA adapter or all weights."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType
from transformers import (
    AutoModelForCausalLM,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from sts_eval.data.rows import Split, TokenRow
from sts_eval.errors import UserError
from sts_eval.experiment import RATE, ModelSpec, TuneSettings

LOGGED_SHARE = 0.05
"""Share of the steps after which the mean training loss is reported and checked."""


@dataclass(frozen=True)
class Batch:
    """How the rows of one optimiser step are cut up: per device, times accumulation, times processes."""

    per_device: int
    accumulation: int
    processes: int

    @classmethod
    def cut(cls, rows: int, most: int, processes: int) -> Batch:
        """Cut a batch into equal parts of at most `most` rows per device.

        Raises:
            UserError: The batch cannot be shared evenly among the processes.
        """
        if rows % processes:
            raise UserError(
                f"a batch of {rows} rows cannot be shared evenly among {processes} processes",
                f"Set the batch to a multiple of {processes}",
            )
        share = rows // processes
        per_device = max(size for size in range(1, min(most, share) + 1) if share % size == 0)
        return cls(per_device, share // per_device, processes)


@dataclass(frozen=True)
class Trained:
    """What a run ended with.

    Attributes:
        steps: Optimiser steps.
        batch: The cut that fitted into memory.
        train_losses: Mean training loss of each twentieth of the steps, nats per solution token.
        loss_before: Held-out loss before, mean over rows of nats per solution token.
        loss_after: Held-out loss after.
        device: What it ran on.
    """

    steps: int
    batch: Batch
    train_losses: Sequence[float]
    loss_before: float
    loss_after: float
    device: str


class _StopAtNaN(TrainerCallback):
    """Ends training when a reported loss is not a number; one such step makes the mean one."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        loss = (kwargs.get("logs") or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            raise UserError(
                f"the training loss is {loss} at step {state.global_step}",
                "Lower the learning rate, or train in bfloat16 or float32 rather than float16",
            )


class _LossOnBar(ProgressCallback):
    """The Trainer's progress bar, with the loss on it rather than in lines between other output."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss")
        bar: Any = self.training_bar  # None in processes other than the first
        if loss is not None and bar is not None:
            bar.set_postfix(loss=f"{float(loss):.3f}")


@dataclass(frozen=True)
class Setup:
    """What all seeds have in common.

    Attributes:
        model: The untuned model.
        tokenizer: Pads the rows, and is saved beside the weights.
        settings: The dials.
    """

    model: ModelSpec
    tokenizer: Any
    settings: TuneSettings


def train(setup: Setup, rows: Split, *, seed: int, folder: Path) -> Trained:
    """Train one seed and save its weights as peft or transformers saves them.

    Where a step does not fit into memory, the run starts again with half the rows per device and twice the
    accumulation, so that the optimiser sees the same batches.

    Args:
        setup: Model, tokenizer and dials.
        rows: What to train and to test on.
        seed: Draws the adapter's start, dropout and the order of later epochs.
        folder: Where the weights go; it is made.

    Raises:
        UserError: The loss is not a number, one row does not fit into memory, or the model cannot be trained.
    """
    most = setup.settings.per_device_batch
    while True:
        try:
            return _attempt(setup, rows, most=most, seed=seed, folder=folder)
        except torch.OutOfMemoryError as error:
            # Its traceback would keep the failed attempt's tensors alive.
            reason = error.with_traceback(None)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if most == 1:
            raise UserError(
                "one training row does not fit into memory",
                "Lower the tokens per row, turn on gradient checkpointing, or take a larger device",
            ) from reason
        most //= 2


def _attempt(setup: Setup, rows: Split, *, most: int, seed: int, folder: Path) -> Trained:
    set_seed(seed)
    arguments = _arguments(setup.model, setup.settings, seed=seed, folder=folder)
    batch = Batch.cut(setup.settings.batch, most, arguments.world_size)
    arguments.per_device_train_batch_size = batch.per_device
    arguments.gradient_accumulation_steps = batch.accumulation
    network = load_for_training(setup.model)
    network.config.use_cache = False
    try:
        trainer = SFTTrainer(
            model=network,
            args=arguments,
            train_dataset=_dataset(rows.train),
            eval_dataset=_dataset(rows.held_out),
            processing_class=setup.tokenizer,
            peft_config=_adapter(setup.settings) if setup.settings.method == "lora" else None,
            callbacks=[_StopAtNaN()],
        )
    except ValueError as error:
        raise UserError(f"the model cannot be trained so ({error})", "Change targets or devices") from error
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(_LossOnBar)
    before = float(trainer.evaluate()["eval_loss"])
    trainer.train()
    after = float(trainer.evaluate()["eval_loss"])
    losses = [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    if not math.isfinite(after):
        raise UserError(f"the held-out loss is {after} after training", "Lower the learning rate")
    trainer.save_model(str(folder))
    if trainer.is_world_process_zero():
        # The trainer's own arguments, as a pickle with this machine's paths in it.
        (folder / "training_args.bin").unlink(missing_ok=True)
    trainer.accelerator.wait_for_everyone()
    return Trained(trainer.state.global_step, batch, losses, before, after, _device_name(arguments.device))


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def load_for_training(spec: ModelSpec) -> Any:
    """Load a model where the trainer can place it: one copy per process, unless it is spread over devices.

    Raises:
        UserError: The model does not exist, or has weights that are not safetensors.
    """
    placed_by_trainer = spec.device in ("auto", "cpu", "cuda", "mps")
    try:
        return AutoModelForCausalLM.from_pretrained(
            spec.id,
            revision=spec.revision,
            dtype=spec.dtype,
            device_map=None if placed_by_trainer else spec.device,
            trust_remote_code=spec.trust_remote_code,
            use_safetensors=True,
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"model {spec.id!r} cannot be loaded ({reason})",
            "Check the id or folder, and `hf auth login` for gated models",
        ) from error


def _arguments(model: ModelSpec, settings: TuneSettings, *, seed: int, folder: Path) -> SFTConfig:
    on_gpu = torch.cuda.is_available() and model.device != "cpu"
    bf16 = (on_gpu and torch.cuda.is_bf16_supported()) if settings.bf16 is None else settings.bf16
    checkpointing = on_gpu if settings.gradient_checkpointing is None else settings.gradient_checkpointing
    return SFTConfig(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        per_device_eval_batch_size=1,  # so that the loss is a mean over rows, whatever their lengths
        learning_rate=settings.learning_rate or RATE[settings.method],
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup,  # below 1, the Trainer takes it as a share of the steps
        adam_beta1=settings.beta1,
        adam_beta2=settings.beta2,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        bf16=bf16,
        gradient_checkpointing=checkpointing,
        use_cpu=model.device == "cpu",
        seed=seed,
        data_seed=seed,
        max_length=None,  # the rows are cut already
        dataset_kwargs={"skip_prepare_dataset": True},
        eval_strategy="no",
        save_strategy="no",
        logging_steps=LOGGED_SHARE,
        logging_nan_inf_filter=False,  # a loss that is not a number must show
        report_to=list(settings.report_to) or "none",
    )


def _adapter(settings: TuneSettings) -> LoraConfig:
    targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type=TaskType.CAUSAL_LM,
    )


def _dataset(rows: Sequence[TokenRow]) -> Dataset:
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})
