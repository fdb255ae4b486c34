"""The experiment that checks a mixture: the same number of rows added in several ways, as training sets of one sweep.

    FOLDER/
        sweep.yaml        every arm as a training set, for `sts-eval sweep`
        arms.json         which file is which arm
        none.jsonl        the training set alone
        equal.jsonl       with the same number of rows of every domain
        sts_icl.jsonl     and so on, each with the record of its mixture beside it
        sweep/            what the sweep makes

Rows of a domain are taken in the same order in every arm, so arms differ in as few rows as they can.
"""

from collections.abc import Sequence
from pathlib import Path

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec
from sts_eval.mixture.choose import Chosen, Sources, choose
from sts_eval.mixture.weights import CALIBRATION, DAMAGE, EQUAL, HISTORY, Evidence
from sts_eval.mixture.write import ENDING, training_set_alone, written
from sts_eval.records.mixture import ARMS_RECORD, NONE, SWEEP_FILE, Arm, Arms
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable, now, write_atomically
from sts_eval.sweeps.matrix import Matrix, MatrixModel, matrix_template


def usual_arms(evidence: Evidence) -> tuple[str, ...]:
    """What may weigh the domains with what was given: STS, TF-IDF, a probe, history, a calibration, the damage."""
    known = evidence.prediction.by_predictor()
    given = {HISTORY: evidence.history, CALIBRATION: evidence.calibration, DAMAGE: evidence.transfer}
    predictors = [name for name in ("sts_icl", "tfidf_cosine", "probe_kl") if name in known]
    return (*predictors, *(name for name, there in given.items() if there))


def check_experiment(prediction: Prediction, experiment: Run, folder: Path) -> None:
    """Find out before any row is chosen whether arms can be written.

    Raises:
        UserError: The experiment is of another model, training set or benchmark than the prediction, or the folder
            holds arms already.
    """
    if folder.is_file():
        raise UserError(f"{folder} is a file", "Give a folder with --verify")
    if (folder / ARMS_RECORD).exists():
        raise UserError(f"{folder} holds the arms of an experiment already", "Give another folder with --verify")
    differences = []
    if not _same_model(prediction, experiment.model):
        differences.append(f"model {experiment.model.id}, the prediction {prediction.model.id}")
    for what, read, then in (
        ("training set", load_training_set(experiment.training_set), prediction.training_set),
        ("benchmark", load_benchmark(experiment.benchmark), prediction.benchmark),
    ):
        if read.sha256 != then.sha256:
            mine, other = (f"{one.source} ({one.sha256[:12]})" for one in (read, then))
            differences.append(f"{what} {mine}, the prediction {other}")
    if differences:
        raise UserError(
            f"the experiment is about another run than the prediction: it has {'; '.join(differences)}",
            "Give the experiment file of the run that was predicted with --experiment",
        )


def write_arms(
    sources: Sources,
    experiment: Run,
    budget: int,
    folder: Path,
    *,
    asked: Sequence[str] = (),
    usual: Sequence[str] = (),
) -> Arms:
    """Write the training sets of all arms, the sweep over them, and the record that says which is which.

    There are always `none` and `equal`. Of the usual arms those that cannot be made are left out and named in the
    record. Nothing is written before all rows are chosen.

    Raises:
        UserError: The arm of equal shares, or one that was asked for, cannot be made; or the folder cannot be written.
    """
    chosen: dict[str, Chosen] = {}
    not_made: dict[str, str] = {}
    for name in dict.fromkeys([EQUAL, *asked, *usual]):
        if name == NONE:
            continue
        try:
            chosen[name] = choose(sources, name, budget)
        except UserError as error:
            if name not in usual:
                raise
            not_made[name] = error.problem
    check_writable(folder / ARMS_RECORD)
    alone = folder / f"{NONE}{ENDING}"
    write_atomically(alone, training_set_alone(sources))
    arms = [Arm(name=NONE, file=alone.name, added=0, unlike_equal=0, oracle=False, mixture_sha256=None)]
    for name, rows in chosen.items():
        path = folder / f"{name}{ENDING}"
        mixture = written(sources, rows, path)
        arms.append(
            Arm(
                name=name,
                file=path.name,
                added=rows.added,
                unlike_equal=rows.unlike_equal,
                oracle=rows.weights.oracle,
                mixture_sha256=mixture.sha256(),
            )
        )
    write_atomically(folder / SWEEP_FILE, matrix_template(_sweep(experiment, folder, arms)))
    home = experiment.training_set.home or sources.evidence.prediction.experiment.training_set.home
    target = tuple(name for name in home if name in sources.benchmark.domains)
    record = Arms(
        created=now(),
        prediction_sha256=sources.evidence.prediction.sha256(),
        budget=budget,
        protected=tuple(name for name in sources.protected if name not in target) or sources.protected,
        target=target,
        arms=tuple(arms),
        not_made=not_made,
        notes=_notes(experiment, len(sources.training_set.examples), budget),
    )
    record.write(folder / ARMS_RECORD)
    return record


def _notes(experiment: Run, own: int, budget: int) -> tuple[str, ...]:
    tune = experiment.tune
    lines = []
    if len(tune.seeds) == 1:
        lines.append("tune.seeds names one seed, which cannot tell arms apart; give three or more.")
    if tune.max_rows is not None and tune.max_rows < own + budget:
        lines.append(
            f"tune.max_rows is {tune.max_rows}: each seed draws so many of the {own + budget} rows of an arm, so it "
            f"trains on about {round(budget * tune.max_rows / (own + budget))} of the {budget} added rows."
        )
    return tuple(lines)


def _sweep(experiment: Run, folder: Path, arms: Sequence[Arm]) -> Matrix:
    """Every arm as a training set; all else as in the experiment."""
    return Matrix(
        models=(MatrixModel(**experiment.model.model_dump(), saes=(experiment.sae,)),),
        training_sets=tuple(
            TrainingSetSpec(source=str((folder / arm.file).resolve()), home=experiment.training_set.home)
            for arm in arms
        ),
        benchmarks=(experiment.benchmark,),
        settings=experiment.settings,
        tune=experiment.tune,
        measure=experiment.measure,
    )


def _same_model(prediction: Prediction, given: ModelSpec) -> bool:
    predicted = prediction.experiment.model
    if (predicted.adapter, predicted.revision) != (given.adapter, given.revision):
        return False
    if predicted.id == given.id:
        return True
    places = [Path(one).expanduser() for one in (predicted.id, given.id)]
    return all(place.is_dir() for place in places) and places[0].samefile(places[1])
