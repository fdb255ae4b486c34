"""Predict, fine-tune, measure, report: a folder of records, each named by what went into it.

    runs/
        evaluations/…                     one model's answers each; the untuned model's serve all runs
        demo/
            prediction-3f2a91c0.json      model, SAE, data and dials of the prediction
            tuning/seed-0-…/              weights of one seed
            transfer-77b0c412.json        the prediction, the weights, and what is measured
            overlap-0-5d02e7aa.json       one seed: predicted and actually shifted dimensions
            oracle-0-5d02e7aa.json        the first seed: what predictors could say that had the tuned model
            report.json, report.md, report.html, scatter.png, prediction.png

A record that is there is not made again, so a killed run goes on where it stopped, and a changed
setting redoes only what depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts_eval.analysis.report import compare
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.tables import fingerprint
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import Experiment, ModelSpec, Run, SAESpec
from sts_eval.hindsight.actual_shift import NothingMovedError, read_shifts
from sts_eval.hindsight.oracles import measure_oracle
from sts_eval.hindsight.overlap import measure_overlap
from sts_eval.model.fingerprint import model_fingerprint
from sts_eval.prediction.predict import predict
from sts_eval.predictors.predictor import Need
from sts_eval.predictors.registry import select
from sts_eval.progress import Progress, silent
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable
from sts_eval.records.report import Report
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import PredictionReference, SeedTraining, Tuning
from sts_eval.study.extractor import Extractor, load_extractor, load_model
from sts_eval.transfer.evaluate import Tuned
from sts_eval.transfer.lm_eval_tasks import load_tasks
from sts_eval.transfer.measure import evaluation_file, measure, prepare, refer_to, tuned_models
from sts_eval.tuning.contamination import find_contamination, refuse
from sts_eval.tuning.finetune import finetune

TUNING = "tuning"

TUNES = {Need.GRADIENTS, Need.PROBE}
"""What depends on the tuning that is foretold."""


def evaluations(folder: Path) -> Path:
    """Where evaluations are kept: beside the runs, so that the untuned model is evaluated once for all of them."""
    return folder.parent / "evaluations"


@dataclass(frozen=True)
class Folders:
    """Where the records of a run go.

    Attributes:
        run: Its own: prediction, transfer, overlaps, report.
        evaluations: Evaluations, which runs may share.
        tuning: Weights by seed, which runs of one model and training set may share.
    """

    run: Path
    evaluations: Path
    tuning: Path

    @classmethod
    def of(cls, folder: Path) -> Folders:
        """The layout of `sts-eval run`."""
        return cls(run=folder, evaluations=evaluations(folder), tuning=folder / TUNING)


def run(experiment: Run, folder: Path, *, post_hoc: bool = False, progress: Progress = silent) -> Report:
    """Run all stages, or those that are not done.

    Args:
        experiment: What to do.
        folder: Where the records go.
        post_hoc: Report even where the prediction is younger than the tuning.
        progress: Called with (stage, done, total).

    Raises:
        UserError: A stage cannot be done; what the stages before it made stays.
    """
    check_writable(folder / "report.json")
    prediction = predicted(experiment, folder, progress)
    return reported(experiment, prediction, Folders.of(folder), post_hoc=post_hoc, progress=progress)


def reported(
    experiment: Run, prediction: Prediction, folders: Folders, *, post_hoc: bool = False, progress: Progress = silent
) -> Report:
    """What follows a prediction: the change, the overlaps, and the report on both; what is there is read.

    Raises:
        UserError: A stage cannot be done, or the prediction is younger than the tuning and `post_hoc` is not set.
    """
    transfer = transferred(experiment, prediction, folders, progress)
    overlaps = overlapped(experiment, prediction, transfer, folders, progress)
    return compare(prediction, transfer, overlaps=overlaps, post_hoc=post_hoc)


def predicted(experiment: Run, folder: Path, progress: Progress = silent) -> Prediction:
    """The prediction, made now unless it is there. It is on disk before any tuning begins."""
    path = prediction_file(experiment, folder)
    if not path.is_file():
        # Mistakes in what the later stages read should cost seconds, not a prediction and a tuning.
        load_tasks(experiment.measure)
        if not experiment.tune.allow_overlap:
            examples = load_training_set(experiment.training_set).examples
            refuse(find_contamination(examples, load_benchmark(experiment.benchmark)), examples)
        predict(described(experiment), progress).write(path)
    return Prediction.read(path)


def prediction_file(experiment: Run, folder: Path) -> Path:
    """Where the prediction of a run is kept, named by what it depends on. The data are read for it, no model."""
    parts = [
        *prediction_depends_on(experiment),
        load_training_set(experiment.training_set).sha256,
        load_benchmark(experiment.benchmark).sha256,
    ]
    return folder / f"prediction-{fingerprint(parts)[:8]}.json"


def prediction_depends_on(experiment: Run) -> list[Any]:
    """What a prediction depends on beside the contents of its data, as plain values."""
    # What never changes a prediction.
    without = {
        "model": {"device"},
        "settings": {"batch_tokens", "batch_questions"},
        "tune": {"seeds", "allow_overlap", "report_to"},
    }
    return [
        described(experiment).model_dump(mode="json", exclude=without),
        model_fingerprint(experiment.model),
        _sae_fingerprint(experiment.sae),
    ]


def described(experiment: Run) -> Experiment:
    """The prediction's part of a run, with the tuning where a predictor reads it."""
    part = Experiment(**{name: getattr(experiment, name) for name in Experiment.model_fields})
    if not TUNES & {need for one in select(experiment.settings.predictors) for need in one.needs}:
        return part.model_copy(update={"tune": None})  # another tuning would be no other prediction
    return part


def _sae_fingerprint(sae: SAESpec) -> str:
    """Hash of the files of a local SAE, told apart as those of a model are; a release never changes."""
    place = Path(sae.path).expanduser() if sae.path else None
    files = sorted(place.iterdir()) if place and place.is_dir() else [place] if place and place.is_file() else []
    return fingerprint([[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files])


def tuned(experiment: Run, reference: PredictionReference | None, folder: Path, progress: Progress = silent) -> Tuning:
    """The tuning that follows a prediction, in a run's own folder; seeds that are there are not trained again."""
    return _tuning(experiment, reference, Folders.of(folder), progress)


def tuned_seed(experiment: Run, seed: int, folders: Folders, progress: Progress = silent) -> SeedTraining:
    """One seed of the tuning, trained now unless it is there."""
    return _tuning(_of_seed(experiment, seed), None, folders, progress).runs[0]


def _tuning(
    experiment: Run, reference: PredictionReference | None, folders: Folders, progress: Progress = silent
) -> Tuning:
    return finetune(
        experiment.model,
        load_training_set(experiment.training_set),
        experiment.tune,
        folders.tuning,
        benchmark=load_benchmark(experiment.benchmark),
        prediction=reference,
        progress=progress,
    )


def _of_seed(experiment: Run, seed: int) -> Run:
    return experiment.model_copy(update={"tune": experiment.tune.model_copy(update={"seeds": (seed,)})})


def measured_before(experiment: Run, prediction: Prediction, folders: Folders) -> Path:
    """The untuned model's answers, given now unless they are there.

    Args:
        experiment: What is measured, and how.
        prediction: Any prediction of the model with these dials: all leave out the same questions.
        folders: Where evaluations are kept.

    Returns:
        The file of the evaluation.
    """
    scoring = prepare(experiment.measure, folders.evaluations, prediction)
    return evaluation_file(folders.evaluations, scoring.evaluator.evaluate(experiment.model))


def measured_after(experiment: Run, seed: int, prediction: Prediction, folders: Folders) -> Path:
    """The answers of one tuned seed, given now unless they are there.

    Returns:
        The file of the evaluation.
    """
    (one,) = tuned_models(_tuning(_of_seed(experiment, seed), None, folders), folders.tuning)
    scoring = prepare(experiment.measure, folders.evaluations, prediction)
    return evaluation_file(folders.evaluations, scoring.evaluator.evaluate(experiment.model, one))


def transferred(experiment: Run, prediction: Prediction, folders: Folders, progress: Progress = silent) -> Transfer:
    """The change, tuned and measured now unless it is there."""
    tuning = _tuning(experiment, refer_to(prediction), folders, progress)
    weights = [one.weights_sha256 for one in tuning.runs]
    key = fingerprint([prediction.sha256(), weights, experiment.measure.model_dump(mode="json")])
    path = folders.run / f"transfer-{key[:8]}.json"
    if not path.is_file():
        transfer = measure(
            experiment.model,
            tuned_models(tuning, folders.tuning),
            experiment.measure,
            folders.evaluations,
            prediction=prediction,
            tuning=tuning,
            progress=progress,
        )
        transfer.write(path)
    return Transfer.read(path)


def overlapped(
    experiment: Run, prediction: Prediction, transfer: Transfer, folders: Folders, progress: Progress = silent
) -> tuple[Overlap, ...]:
    """Predicted against actually shifted dimensions, read now unless they are there.

    One per tuned seed, save those that changed nothing, or nothing as far as the hook. The first of them also gets
    the oracles' record, while its network is loaded.
    """
    visits = _visits(prediction, transfer, folders)
    missing = [visit for visit in visits if not all(path.is_file() for path in visit.paths)]
    if missing:
        extractor = load_extractor(experiment.model, experiment.sae, experiment.settings)
        for visit in missing:
            _look_at(visit, experiment, extractor, prediction, progress)
    return tuple(Overlap.read(visit.overlap) for visit in visits if visit.overlap.is_file())


@dataclass(frozen=True)
class _Visit:
    """A tuned model, and the records that it is loaded for."""

    model: Tuned
    overlap: Path
    oracle: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.overlap,) if self.oracle is None else (self.overlap, self.oracle)


def _visits(prediction: Prediction, transfer: Transfer, folders: Folders) -> list[_Visit]:
    if transfer.tuning is None:
        return []
    models = {one.seed: one for one in tuned_models(transfer.tuning, folders.tuning)}
    visits: list[_Visit] = []
    for done in (run for run in transfer.tuning.runs if run.changed):
        name = f"{done.seed}-{fingerprint([prediction.sha256(), done.weights_sha256])[:8]}.json"
        oracle = None if visits else folders.run / f"oracle-{name}"
        visits.append(_Visit(models[done.seed], folders.run / f"overlap-{name}", oracle))
    return visits


def _look_at(visit: _Visit, experiment: Run, extractor: Extractor, prediction: Prediction, progress: Progress) -> None:
    """Make the records of a tuned model that are missing; none where nothing moved as far as the hook."""
    weights, seed = str(visit.model.weights), visit.model.seed
    changed = {"id": weights} if visit.model.whole else {"adapter": weights}
    network = load_model(ModelSpec.model_validate(experiment.model.model_dump() | changed))
    training_set = load_training_set(experiment.training_set)
    try:
        shifts = read_shifts(extractor, network, training_set, seed=experiment.settings.seeds[0], progress=progress)
    except NothingMovedError:
        return
    if not visit.overlap.is_file():
        measure_overlap(shifts, tuning_seed=seed).write(visit.overlap)
    if visit.oracle is not None and not visit.oracle.is_file():
        oracle = measure_oracle(
            extractor,
            network,
            load_benchmark(experiment.benchmark),
            prediction,
            shifts,
            tuning_seed=seed,
            progress=progress,
        )
        oracle.write(visit.oracle)
