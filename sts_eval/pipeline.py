"""Experiment → prediction → tuning → evaluations → transfer → overlaps → report, each a record in a run's folder.

Every `make_` function makes what is not there yet and reads what is there, as `make` does with files. So a killed run
goes on where it stopped, and a changed setting redoes only what depends on it. `sts-eval run` calls them one after
another; a sweep calls them as stages.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sts_eval.analysis.report import report_run
from sts_eval.analysis.runs import read_oracles
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.experiment import Experiment, Run
from sts_eval.hindsight.actual_shift import NothingMovedError, read_shifts
from sts_eval.hindsight.oracles import measure_oracle
from sts_eval.hindsight.overlap import measure_overlap
from sts_eval.jobs import run_jobs
from sts_eval.model.fingerprint import chosen_by, code_stamps, file_stamps, model_fingerprint, training_key
from sts_eval.model.load import load_model
from sts_eval.prediction.predict import predict
from sts_eval.predictors.predictor import Need
from sts_eval.predictors.registry import select
from sts_eval.preflight import check_stages
from sts_eval.progress import Progress, found, silent
from sts_eval.records.claim import claimed, own_claim
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Prediction, SeedShift
from sts_eval.records.record import check_writable, fingerprint
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder, SeedFolder, evaluation_file, seed_folder
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import PredictionReference, Tuning
from sts_eval.study.extractor import Extractor, load_extractor
from sts_eval.transfer.evaluate import Evaluator
from sts_eval.transfer.measure import measure, refer_to, tuned_models
from sts_eval.tuning.features import FeaturePlan
from sts_eval.tuning.finetune import finetune

READS_THE_TUNING = {Need.GRADIENTS, Need.PROBE}  # what predictors may need that depends on the settings of the tuning


def run(
    experiment: Run,
    folder: Path,
    *,
    post_hoc: bool = False,
    jobs: int = 1,
    progress: Progress = silent,
    predicted: Callable[[Prediction], None] = lambda _prediction: None,
) -> Report:
    """Run all stages, or those that are not done. `post_hoc` reports a prediction made after fine-tuning started too.

    `predicted` is called with the prediction before any tuning begins. Then `jobs` models are tuned and evaluated at a
    time.

    Raises:
        UserError: A stage cannot be done, which is found out before the first begins where that is possible; or
            another process is at work in the folder.
    """
    files = RunFolder.of(folder)
    with claimed(files.claim, own_claim()):
        check_writable(files.report)
        if prediction_file(experiment, files).is_file() and not _is_tuned(experiment, files):
            check_stages(experiment, files)  # without a prediction it is checked there
        prediction = make_prediction(experiment, files, progress)
        predicted(prediction)
        return make_report(experiment, prediction, files, post_hoc=post_hoc, jobs=jobs, progress=progress)


def make_prediction(experiment: Run, files: RunFolder, progress: Progress = silent) -> Prediction:
    """The prediction. It is on disk before any tuning begins.

    Raises:
        UserError: Something in the description, or in what it names, is wrong.
    """
    path = prediction_file(experiment, files)
    if path.is_file():
        found(progress, "prediction")
        return Prediction.read(path)
    progress("checking what all stages need", 0, 1)
    check_stages(experiment, files)
    predict(predicted_part(experiment), progress).write(path)
    return Prediction.read(path)


def _is_tuned(experiment: Run, files: RunFolder) -> bool:
    """Whether all seeds are there."""
    tuned_on = load_training_set(experiment.training_set)
    data = [*tuned_on.fingerprints(answers=experiment.tune.grpo is not None), *chosen_by(experiment)]
    keys = {seed: training_key(experiment.model, data, experiment.tune, seed) for seed in experiment.tune.seeds}
    return all(seed_folder(files.tuning, seed, key).facts.is_file() for seed, key in keys.items())


def prediction_file(experiment: Run, files: RunFolder) -> Path:
    """Where the prediction of a run is kept. The data are read for its name, no model."""
    rewarded = experiment.settings.demonstrations != "ground_truth"
    read = load_training_set(experiment.training_set).fingerprints(answers=rewarded)
    data = [*read, load_benchmark(experiment.benchmark).sha256]
    return files.prediction(prediction_key(experiment, data))


def prediction_key(experiment: Run, data: list[Any]) -> str:
    """Hash of what a prediction depends on; `data` are fingerprints of training set and benchmark, or their files."""
    changes_nothing = {
        "model": {"device"},
        "settings": {"batch_tokens", "batch_questions"},
        "tune": {"seeds", "allow_overlap", "report_to"},
    }
    described = predicted_part(experiment).model_dump(mode="json", exclude=changes_nothing)
    sae = fingerprint(file_stamps(experiment.sae.path))
    code = code_stamps(experiment.reward) if experiment.settings.demonstrations != "ground_truth" else []
    return fingerprint([described, model_fingerprint(experiment.model), sae, *data, *code])


def predicted_part(experiment: Run) -> Experiment:
    """The prediction's part of a run, with the tuning where a predictor reads it."""
    part = Experiment(**{name: getattr(experiment, name) for name in Experiment.model_fields})
    if part.settings.demonstrations != "ground_truth":
        part = part.model_copy(update={"settings": part.settings.model_copy(update={"reward": part.reward})})
    if not READS_THE_TUNING & {need for one in select(experiment.settings.predictors) for need in one.needs}:
        return part.model_copy(update={"tune": None})  # another tuning would be no other prediction
    return part


def make_tuning(
    experiment: Run, followed: PredictionReference | None, files: RunFolder, progress: Progress = silent
) -> Tuning:
    """The weights of all seeds. `followed` is the prediction that was made before.

    Raises:
        UserError: The model cannot be tuned so.
    """
    progress("reading the data for fine-tuning", 0, 1)
    training_set = load_training_set(experiment.training_set)
    return finetune(
        experiment.model,
        training_set,
        experiment.tune,
        files.tuning,
        benchmark=load_benchmark(experiment.benchmark),
        prediction=followed,
        features=FeaturePlan(experiment, training_set) if experiment.tune.method == "features" else None,
        progress=progress,
    )


def make_seed(experiment: Run, seed: int, files: RunFolder, progress: Progress = silent) -> SeedFolder:
    """The weights of one seed.

    Raises:
        UserError: The model cannot be tuned so.
    """
    (training,) = _tune_seed(experiment, seed, files, progress).runs
    return SeedFolder(files.tuning / training.folder)


def _tune_seed(experiment: Run, seed: int, files: RunFolder, progress: Progress) -> Tuning:
    tune = experiment.tune.model_copy(update={"seeds": (seed,)})
    return make_tuning(experiment.model_copy(update={"tune": tune}), None, files, progress)


def make_evaluation(
    experiment: Run, seed: int | None, prediction: Prediction, files: RunFolder, progress: Progress = silent
) -> Path:
    """The file of the answers of one model: a tuned seed's, or the untuned model's if None.

    Any prediction of the model with these settings will do: all leave out the same questions.

    Raises:
        UserError: The model cannot be evaluated so.
    """
    tuned = None
    if seed is not None:
        (tuned,) = tuned_models(_tune_seed(experiment, seed, files, progress), files.tuning)
    progress("loading the task that measures", 0, 1)
    evaluation = Evaluator(experiment.measure, files.evaluations, prediction).evaluate(
        experiment.model, tuned, progress
    )
    return evaluation_file(files.evaluations, evaluation.key)


def make_evaluations(
    experiment: Run, prediction: Prediction, files: RunFolder, *, jobs: int, progress: Progress = silent
) -> None:
    """The weights and answers of all seeds and the answers of the untuned model, `jobs` models at a time.

    Raises:
        UserError: A model cannot be tuned or evaluated so.
    """
    of = {f"seed {seed}": seed for seed in experiment.tune.seeds} | {"untuned model": None}
    run_jobs(
        {name: partial(make_evaluation, experiment, seed, prediction, files) for name, seed in of.items()},
        jobs,
        progress,
    )


def make_transfer(experiment: Run, prediction: Prediction, files: RunFolder, progress: Progress = silent) -> Transfer:
    """What tuning changed: the tuning, and the evaluations before and after it.

    Raises:
        UserError: The model cannot be tuned or evaluated so.
    """
    tuning = make_tuning(experiment, refer_to(prediction), files, progress)
    weights = [training.weights_sha256 for training in tuning.runs]
    path = files.transfer(fingerprint([prediction.sha256(), weights, experiment.measure.model_dump(mode="json")]))
    if path.is_file():
        found(progress, "change between the answers before and after")
    else:
        measure(
            experiment.model,
            tuned_models(tuning, files.tuning),
            experiment.measure,
            files.evaluations,
            prediction=prediction,
            tuning=tuning,
            progress=progress,
        ).write(path)
    return Transfer.read(path)


def make_overlaps(
    experiment: Run, prediction: Prediction, transfer: Transfer, files: RunFolder, progress: Progress = silent
) -> tuple[Overlap, ...]:
    """Predicted against actually shifted dimensions.

    One record per tuned seed, save those that changed nothing, or nothing as far as the hook. The first of them also
    gets the oracles' record, while its network is loaded.

    Raises:
        UserError: A model cannot be read.
    """
    changed = [training for training in transfer.tuning.runs if training.changed] if transfer.tuning else []
    tuned = {one.seed: one for one in tuned_models(transfer.tuning, files.tuning)} if transfer.tuning else {}
    extractor: Extractor | None = None
    for training in changed:
        overlap, oracle = files.overlap(prediction, training), files.oracle(prediction, training)
        needs_oracle = training is changed[0] and not oracle.is_file()
        if overlap.is_file() and not needs_oracle:
            found(progress, f"overlap of seed {training.seed}")
            continue
        extractor = extractor or load_extractor(experiment.model, experiment.sae, experiment.settings)
        network = load_model(tuned[training.seed].of(experiment.model))
        training_set, seed = load_training_set(experiment.training_set), training.seed
        try:
            first = experiment.settings.seeds[0]
            shifts = read_shifts(
                extractor, network, _as_shown(prediction.shifts, training_set), seed=first, progress=progress
            )
            by_itself = None
            if prediction.on_policy_shifts and not overlap.is_file():
                shown = _as_shown(prediction.on_policy_shifts, training_set)
                by_itself = read_shifts(extractor, network, shown, seed=first, progress=progress)
        except NothingMovedError:
            continue
        if not overlap.is_file():
            measure_overlap(shifts, tuning_seed=seed, on_policy=by_itself).write(overlap)
        if needs_oracle:
            benchmark = load_benchmark(experiment.benchmark)
            measured = measure_oracle(
                extractor, network, benchmark, prediction, shifts, tuning_seed=seed, progress=progress
            )
            measured.write(oracle)
    paths = [files.overlap(prediction, training) for training in changed]
    return tuple(Overlap.read(path) for path in paths if path.is_file())


def _as_shown(shifts: Sequence[SeedShift], training_set: TrainingSet) -> TrainingSet:
    """The training set with the demonstrations that a prediction showed, where they are the model's own answers."""
    own = {
        shift.seed: dict(zip(shift.demonstrations, shift.own.texts, strict=True))
        for shift in shifts
        if shift.own is not None
    }
    return replace(training_set, own_answers=own)


def make_report(
    experiment: Run,
    prediction: Prediction,
    files: RunFolder,
    *,
    post_hoc: bool = False,
    jobs: int = 1,
    progress: Progress = silent,
) -> Report:
    """What follows a prediction: the change, the overlaps, and the report on both.

    Raises:
        UserError: A stage cannot be done, or the prediction came after fine-tuning started and not `post_hoc`.
    """
    if jobs > 1:
        make_evaluations(experiment, prediction, files, jobs=jobs, progress=progress)
    transfer = make_transfer(experiment, prediction, files, silent if jobs > 1 else progress)  # which finds them made
    overlaps = make_overlaps(experiment, prediction, transfer, files, progress)
    oracles = read_oracles(files, prediction, transfer)
    progress("report", 0, 1)
    return report_run(prediction, transfer, oracles=oracles, overlaps=overlaps, post_hoc=post_hoc)
