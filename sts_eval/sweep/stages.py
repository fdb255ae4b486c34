"""The stages of a sweep, each of them once, however many runs it serves.

    predict   one per run
    before    one per model, after any of its predictions: all leave out the same questions
    tune      one per model, training set and seed, after all predictions that it will be compared with
    after     one per tuned seed
    report    one per run

A stage is named by what it is about and keyed by what its result depends on. Files are told apart by name, size
and time of change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sts_eval.experiment import Run
from sts_eval.model.fingerprint import chosen_by, file_stamps, model_fingerprint, training_key
from sts_eval.records.record import fingerprint
from sts_eval.sweep.matrix import Kind, Matrix, model_slug, tuning_slug


@dataclass(frozen=True)
class Stage:
    """One piece of work."""

    name: str  # unique in the sweep, and the name of its files
    kind: Kind
    run: str  # name of the run that it is for; of the first where several share it
    key: str  # hash of what its result depends on
    seed: int | None = None  # of the tuning, where it is about one
    needs: tuple[str, ...] = ()  # stages that must be done before it
    needs_one: tuple[str, ...] = ()  # stages of which one must be done before it


def plan(matrix: Matrix) -> tuple[Stage, ...]:
    """All stages of a sweep, each after those that it needs."""
    from sts_eval.pipeline import prediction_key

    runs = dict(matrix.expand())
    predictions = {}
    for name, run in runs.items():
        key = prediction_key(run, [file_stamps(run.training_set.source), _benchmark_stamps(run)])
        predictions[name] = Stage(f"predict-{name}", "predict", name, key)
    befores = {}
    for slug, names in _shared(runs, model_slug).items():
        needs = tuple(predictions[name].name for name in names)
        befores[slug] = Stage(f"before-{slug}", "before", names[0], _before_key(runs[names[0]]), needs_one=needs)
    tunings: list[Stage] = []
    afters: dict[str, list[Stage]] = {}
    for slug, names in _shared(runs, tuning_slug).items():
        needs = tuple(predictions[name].name for name in names)
        run = runs[names[0]]
        data = [run.training_set.model_dump(mode="json"), file_stamps(run.training_set.source), *chosen_by(run)]
        for seed in matrix.tune.seeds:
            key = training_key(run.model, data, run.tune, seed)
            tuning = Stage(f"tune-{slug}-seed{seed}", "tune", names[0], key, seed, needs)
            key = fingerprint([_before_key(run), key])
            after = Stage(f"after-{slug}-seed{seed}", "after", names[0], key, seed, (tuning.name,))
            tunings.append(tuning)
            afters.setdefault(slug, []).append(after)
    reports = []
    for name, run in runs.items():
        prediction, after_it = predictions[name], afters[tuning_slug(run)]
        key = fingerprint([prediction.key, [stage.key for stage in after_it], matrix.post_hoc])
        needs = tuple(stage.name for stage in (prediction, befores[model_slug(run)], *after_it))
        reports.append(Stage(f"report-{name}", "report", name, key, needs=needs))
    after_stages = [stage for stages in afters.values() for stage in stages]
    return (*predictions.values(), *befores.values(), *tunings, *after_stages, *reports)


def unshared(matrix: Matrix) -> dict[Kind, int]:
    """How many stages of each kind there would be if no run shared any."""
    runs, seeds = len(matrix.expand()), len(matrix.tune.seeds)
    return {"predict": runs, "before": runs, "tune": runs * seeds, "after": runs * seeds, "report": runs}


def _shared(runs: Mapping[str, Run], slug: Callable[[Run], str]) -> dict[str, list[str]]:
    """Names of the runs that share stages, by what they share."""
    groups: dict[str, list[str]] = {}
    for name, run in runs.items():
        groups.setdefault(slug(run), []).append(name)
    return groups


def _before_key(run: Run) -> str:
    read = [run.settings.domain_tokens, list(run.settings.seeds)]
    benchmark, measured = (part.model_dump(mode="json") for part in (run.benchmark, run.measure))
    return fingerprint([model_fingerprint(run.model), benchmark, _benchmark_stamps(run), read, measured])


def _benchmark_stamps(run: Run) -> list[list[str | int]]:
    """Stamps of a benchmark's files, and of the task files where it is a task of lm-eval."""
    return file_stamps(run.benchmark.source) + file_stamps(run.benchmark.include_path)
