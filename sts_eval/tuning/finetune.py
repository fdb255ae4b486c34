"""Fine-tuning over seeds, each of which is whole or not there: a killed run goes on where it stopped.

A seed's folder is named by a hash of everything that its weights depend on and holds

    seed-0-3f2a91c07b5e/
        weights/          the adapter (or the model) as peft (or transformers) saves it
        training.json     the facts of the run

It is made under a temporary name and renamed when all of it is there.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.prompt import Prompter
from sts_eval.data.rows import split_rows
from sts_eval.data.tables import fingerprint
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.fingerprint import NOT_IN_WEIGHTS, model_fingerprint, weights_sha256
from sts_eval.progress import Progress, silent
from sts_eval.records.record import check_writable, now
from sts_eval.records.tuning import Contamination, PredictionReference, SeedTraining, Tuning
from sts_eval.transfer.assemble import versions
from sts_eval.tuning.contamination import find_contamination, refuse

WEIGHTS = "weights"
FACTS = "training.json"

SMALLEST_CHANGE = 0.01
"""Relative change of the held-out loss below which a training is taken to have changed nothing."""


def finetune(
    model: ModelSpec,
    training_set: TrainingSet,
    settings: TuneSettings,
    folder: Path,
    *,
    benchmark: Benchmark | None = None,
    prediction: PredictionReference | None = None,
    progress: Progress = silent,
) -> Tuning:
    """Tune a model on a training set, once per seed.

    Seeds whose folders are there already are not trained again.

    Args:
        model: The untuned model.
        training_set: Questions and solutions.
        settings: The dials.
        folder: Where the seeds' folders go.
        benchmark: What the tuned model will be scored on, to look for its questions in the training set.
        prediction: The prediction that this is to follow.
        progress: Called with (stage, done, total) as seeds are done; the trainer shows its steps itself.

    Raises:
        UserError: The training set contains benchmark questions, the folder cannot be written, memory does
            not suffice, or the loss is not a number.
    """
    if model.adapter is not None:
        raise UserError("a model with an adapter cannot be tuned further", "Merge the adapter into the model first")
    contamination = Contamination(rows=(), question_ids=(), checked=0)
    if benchmark is not None:
        contamination = find_contamination(training_set.examples, benchmark)
        if not settings.allow_overlap:
            refuse(contamination, training_set.examples)
    check_writable(folder / FACTS)
    tokenizer = _load_tokenizer(model)
    prompter = Prompter(tokenizer, chat_template=settings.chat_template)
    job = _Job(model, training_set, settings, prompter, folder)
    runs = []
    for done, seed in enumerate(settings.seeds):
        progress("fine-tuning", done, len(settings.seeds))
        runs.append(_one_seed(job, seed))
    progress("fine-tuning", len(settings.seeds), len(settings.seeds))
    return Tuning(
        created=now(),
        started=min(run.started for run in runs),
        prediction=prediction,
        model=model,
        commit=_commit(model),
        training_set=training_set.identity(),
        settings=settings,
        chat_template=prompter.chat,
        contamination=contamination,
        runs=tuple(runs),
        warnings=(*training_set.warnings, *prompter.end_of_answer_warnings(), *_warnings(contamination, runs)),
    )


@dataclass(frozen=True)
class _Job:
    """What all seeds have in common."""

    model: ModelSpec
    data: TrainingSet
    settings: TuneSettings
    prompter: Prompter
    folder: Path


def _one_seed(job: _Job, seed: int) -> SeedTraining:
    name = f"seed-{seed}-{_key(job, seed)[:12]}"
    final, temporary = job.folder / name, job.folder / f".{name}.tmp"
    if (final / FACTS).is_file():
        return SeedTraining.read(final / FACTS)
    if _is_main():
        shutil.rmtree(temporary, ignore_errors=True)  # a killed run's
    _wait()
    try:
        _train(job, seed, temporary, name)
        if _is_main():
            shutil.rmtree(final, ignore_errors=True)
            temporary.rename(final)
    except OSError as error:
        raise UserError(
            f"the weights of seed {seed} cannot be written to {job.folder} ({error.strerror or error})",
            "Free space, or choose another folder",
        ) from error
    finally:
        if _is_main():  # another process would clear it away while the main one still writes
            shutil.rmtree(temporary, ignore_errors=True)
    _wait()
    return SeedTraining.read(final / FACTS)


def _train(job: _Job, seed: int, temporary: Path, name: str) -> None:
    """Train into a temporary folder and write the facts there."""
    from sts_eval.tuning.training import Setup, train

    started, clock = now(), time.perf_counter()
    rows = split_rows(job.prompter, job.data, job.settings, seed, _context(job.model))
    setup = Setup(job.model, job.prompter.tokenizer, job.settings)
    trained = train(setup, rows, seed=seed, folder=temporary / WEIGHTS)
    if not _is_main():
        return
    moved = abs(trained.loss_after - trained.loss_before)
    SeedTraining(
        seed=seed,
        folder=name,
        weights_sha256=weights_sha256(temporary / WEIGHTS),
        started=started,
        finished=now(),
        seconds=round(time.perf_counter() - clock, 3),
        steps=trained.steps,
        n_rows=len(rows.train),
        n_held_out=len(rows.held_out),
        cut_rows=rows.cut,
        per_device_batch=trained.batch.per_device,
        accumulation=trained.batch.accumulation,
        processes=trained.batch.processes,
        train_loss_first=trained.train_losses[0],
        train_loss_last=trained.train_losses[-1],
        loss_before=trained.loss_before,
        loss_after=trained.loss_after,
        changed=moved >= SMALLEST_CHANGE * trained.loss_before,
        device=trained.device,
        versions=versions(),
    ).write(temporary / FACTS)


def _key(job: _Job, seed: int) -> str:
    """Hash of what a seed's weights depend on."""
    settings = job.settings.model_dump(mode="json", exclude=NOT_IN_WEIGHTS)
    return fingerprint([model_fingerprint(job.model), job.data.sha256, settings, seed])


def _load_tokenizer(model: ModelSpec) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            model.id, revision=model.revision, trust_remote_code=model.trust_remote_code
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"model {model.id!r} has no tokenizer ({reason})", "Check the id or folder") from error


def _config(model: ModelSpec) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(model.id, revision=model.revision, trust_remote_code=model.trust_remote_code)


def _context(model: ModelSpec) -> int:
    return int(getattr(_config(model).get_text_config(), "max_position_embeddings", None) or 1_000_000)


def _commit(model: ModelSpec) -> str | None:
    return getattr(_config(model), "_commit_hash", None)


def _is_main() -> bool:
    from accelerate import PartialState

    return bool(PartialState().is_main_process)


def _wait() -> None:
    from accelerate import PartialState

    PartialState().wait_for_everyone()


def _warnings(contamination: Contamination, runs: list[SeedTraining]) -> list[str]:
    lines = []
    if contamination.rows:
        lines.append(f"{len(contamination.rows)} training rows contain benchmark questions")
    for run in runs:
        if not run.changed:
            lines.append(
                f"seed {run.seed} changed nothing: its held-out loss went from {run.loss_before:.4f} to "
                f"{run.loss_after:.4f} nats per token, so there is nothing to predict"
            )
        if run.cut_rows:
            lines.append(f"seed {run.seed}: {run.cut_rows} of {run.n_rows} rows were cut on the left")
    return lines
