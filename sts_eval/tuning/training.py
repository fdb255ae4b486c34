"""One training run: a trainer of trl with a LoRA adapter or all weights, by `SFTTrainer` on token rows or by GRPO."""

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from transformers import TrainerCallback, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from sts_eval.data.rows import Split, TokenRow
from sts_eval.errors import UserError
from sts_eval.experiment import RATE, ModelSpec, TuneSettings
from sts_eval.model.feature_tuning import NAME
from sts_eval.model.hook import unwrapped
from sts_eval.model.load import checkpointing_name, default_device, load_model, lora_config, trains_in_bf16
from sts_eval.progress import Progress, silent
from sts_eval.records.tuning import Reinforcement
from sts_eval.tuning.checkpoints import Attempt, last_checkpoint
from sts_eval.tuning.row_order import StepsByLength
from sts_eval.tuning.setup import Setup

LOGGED_SHARE = 0.05  # share of the steps after which the mean training loss is reported and checked
CHECKPOINT_EVERY = 600.0  # seconds after which a checkpoint is kept, at the next report of the loss


@dataclass(frozen=True)
class Trained:
    """What a run ended with, under the names of `sts_eval.records.tuning.SeedTraining`."""

    steps: int  # of the optimiser
    per_device_batch: int  # rows at once per device that fitted into memory
    accumulation: int  # passes per optimiser step
    processes: int  # that shared the batch
    train_loss_first: float  # mean over the first twentieth of the steps, nats per solution token
    train_loss_last: float  # the same over the last twentieth
    loss_before: float  # held-out loss, mean over rows of nats per solution token
    loss_after: float
    device: str
    reinforcement: Reinforcement | None  # of the method grpo


class Task(Protocol):
    """A way of training a seed."""

    def trainer(self, network: Any, arguments: dict[str, Any], adapter: Any) -> Any:
        """The trainer of a network, with an adapter or None, from arguments that all ways have in common."""

    def loss(self, trainer: Any) -> float:
        """The loss on held-out rows: mean over rows of nats per solution token. Measured before and after training."""

    def reinforcement(self, trainer: Any) -> Reinforcement | None:
        """What sampled answers were worth before and after, where the task samples any."""


class SolutionTrainer(SFTTrainer):
    """Trains on solutions, the rows of each step by length."""

    def _get_train_sampler(self, _dataset: Any = None) -> StepsByLength:
        rows: Any = self.train_dataset
        arguments = self.args
        share = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        return StepsByLength(
            [len(ids) for ids in rows["input_ids"]],
            rows_per_step=share * arguments.world_size,
            seed=arguments.seed,
        )


class _FeatureTrainer(SolutionTrainer):
    """Saves and loads the trained maps alone."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        unwrapped(self.model).get_submodule(NAME).save(Path(output_dir or str(self.args.output_dir)))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        unwrapped(self.model).get_submodule(NAME).load(Path(resume_from_checkpoint))


@dataclass(frozen=True)
class Supervised:
    """Training on solutions."""

    rows: Split
    tokenizer: Any
    kind: type[SolutionTrainer] = SolutionTrainer

    def trainer(self, network: Any, arguments: dict[str, Any], adapter: Any) -> Any:
        """A trainer whose loss covers the solutions."""
        config = SFTConfig(
            **arguments,
            per_device_eval_batch_size=1,  # so that the loss is a mean over rows, whatever their lengths
            max_length=None,  # the rows are cut already
            dataset_kwargs={"skip_prepare_dataset": True},
        )
        return self.kind(
            model=network,
            args=config,
            train_dataset=_dataset(self.rows.train),
            eval_dataset=_dataset(self.rows.held_out),
            processing_class=self.tokenizer,
            peft_config=adapter,
        )

    def loss(self, trainer: Any) -> float:
        """The trainer's own evaluation."""
        return float(trainer.evaluate()["eval_loss"])

    def reinforcement(self, _trainer: Any) -> None:
        """There is none."""


class _Watch(TrainerCallback):
    """Tells of steps, keeps checkpoints, and ends training when a reported loss is not a number.

    One such step makes the mean one. A checkpoint is kept only where the mean loss has just been reported, so that a
    seed that goes on from one reports the same means as one that was never interrupted.
    """

    def __init__(self, attempt: Attempt, tell: Callable[[int, int], None]) -> None:
        self._attempt, self._tell = attempt, tell
        self._kept = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._tell(state.global_step, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._tell(state.global_step, state.max_steps)
        if not control.should_log or state.global_step >= state.max_steps:
            return
        # All processes keep one together, so the first says when.
        (due,) = broadcast_object_list([time.monotonic() - self._kept >= CHECKPOINT_EVERY])
        if due:
            control.should_save = True
            self._kept = time.monotonic()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self._attempt.keep()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            raise UserError(
                f"the training loss is {loss} at step {state.global_step}",
                "Lower the learning rate, or train in bfloat16 or float32 rather than float16",
            )


def cut_batch(rows: int, most: int, processes: int) -> tuple[int, int]:
    """Cut the rows of an optimiser step into equal parts: at most `most` rows per device, and passes per step.

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
    return per_device, share // per_device


def train(
    setup: Setup, rows: Split, attempt: Attempt, *, seed: int, folder: Path, progress: Progress = silent
) -> Trained:
    """Train one seed and save its weights as peft or transformers saves them.

    It goes on from the last checkpoint of the attempts at it.

    Where a step does not fit into memory, the run goes on with half the rows per device and twice the
    accumulation, so that the optimiser sees the same batches. The seed draws the adapter's start, dropout and the order
    of later epochs.

    Raises:
        UserError: The loss is not a number, one row does not fit into memory, or the model cannot be trained.
    """
    most = setup.settings.per_device_batch
    while True:
        try:
            return _attempt(setup, rows, attempt, most=most, seed=seed, folder=folder, progress=progress)
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


def _attempt(
    setup: Setup, rows: Split, attempt: Attempt, *, most: int, seed: int, folder: Path, progress: Progress
) -> Trained:
    set_seed(seed)
    settings, processes = setup.settings, PartialState().num_processes
    per_device, accumulation = cut_batch(settings.batch, most, processes)
    progress(f"loading the model to fine-tune, seed {seed}", 0, 1)
    network = load_model(setup.model, for_training=True)
    arguments = _arguments(setup.model, settings, network, seed=seed, folder=attempt.checkpoints)
    arguments |= {"per_device_train_batch_size": per_device, "gradient_accumulation_steps": accumulation}
    network.config.use_cache = False
    if setup.features is not None:
        setup.features.attached(network, seed)
    task = _task(setup, rows, per_device)
    try:
        trainer = task.trainer(network, arguments, lora_config(settings) if settings.adapts else None)
    except ValueError as error:
        raise UserError(
            f"the model cannot be trained with these settings ({error})", "Change targets or devices"
        ) from error
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    stage = f"fine-tuning, seed {seed}, steps"
    trainer.add_callback(_Watch(attempt, lambda done, steps: progress(stage, done, steps)))
    progress(f"held-out loss before fine-tuning, seed {seed}", 0, 1)
    before = task.loss(trainer)
    last = last_checkpoint(attempt.checkpoints)
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    after = task.loss(trainer)
    losses = [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    if not math.isfinite(after):
        raise UserError(f"the held-out loss is {after} after training", "Lower the learning rate")
    trainer.save_model(str(folder))
    if trainer.is_world_process_zero():
        # The trainer's own arguments, as a pickle with this machine's paths in it.
        (folder / "training_args.bin").unlink(missing_ok=True)
    trainer.accelerator.wait_for_everyone()
    device = trainer.args.device
    return Trained(
        steps=trainer.state.global_step,
        per_device_batch=per_device,
        accumulation=accumulation,
        processes=processes,
        train_loss_first=losses[0],
        train_loss_last=losses[-1],
        loss_before=before,
        loss_after=after,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        reinforcement=task.reinforcement(trainer),
    )


def _task(setup: Setup, rows: Split, per_device: int) -> Task:
    if setup.rewarded is None:
        kind = SolutionTrainer if setup.features is None else _FeatureTrainer
        return Supervised(rows, setup.prompter.tokenizer, kind)
    from sts_eval.tuning.grpo import Reinforced  # which loads what SFT does without

    return Reinforced(setup, setup.rewarded, rows, per_device)


def _arguments(model: ModelSpec, settings: TuneSettings, network: Any, *, seed: int, folder: Path) -> dict[str, Any]:
    """What the trainers of all tasks are told."""
    on_gpu = torch.cuda.is_available() and model.device != "cpu"
    on_cpu = model.device == "cpu" or default_device() == "cpu"
    checkpointing = on_gpu if settings.gradient_checkpointing is None else settings.gradient_checkpointing
    recomputing: dict[str, Any] = {"gradient_checkpointing": None, checkpointing_name(): checkpointing}  # trl's is True
    return dict(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate or RATE[settings.method],
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup,  # below 1, the Trainer takes it as a share of the steps
        adam_beta1=settings.beta1,
        adam_beta2=settings.beta2,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        bf16=trains_in_bf16(settings, network, device="cuda" if on_gpu else "cpu"),
        use_cpu=on_cpu,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
        eval_strategy="no",
        save_strategy="no",  # the callback says when
        logging_steps=LOGGED_SHARE,
        logging_nan_inf_filter=False,  # a loss that is not a number must show
        report_to=list(settings.report_to) or "none",
        save_total_limit=1,
        **recomputing,
    )


def _dataset(rows: Sequence[TokenRow]) -> Dataset:
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})
