"""The stages of a sweep, each of them once, however many runs it serves.

    predict   one per run
    before    one per model and benchmark, after any prediction of these: all leave out the same questions
    tune      one per model, training set and seed, after all predictions that it will be compared with
    after     one per tuned seed and benchmark
    report    one per run

After the predictions, seeds come one after the other, and what a tuned seed is measured for follows its tuning: a
sweep that is stopped early has whole runs of its first seeds.

A stage is named by what it is about and keyed by what its result depends on. Files are told apart by name, size
and time of change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

from sts_eval.experiment import Run
from sts_eval.model.fingerprint import chosen_by, file_stamps, model_fingerprint, training_key
from sts_eval.records.record import fingerprint
from sts_eval.sweeps.matrix import Kind, Matrix, model_slug, tuning_slug


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
    for slug, names in _shared(runs, partial(_model_and_benchmark, matrix)).items():
        needs = tuple(predictions[name].name for name in names)
        befores[slug] = Stage(f"before-{slug}", "before", names[0], _before_key(runs[names[0]]), needs_one=needs)
    trainings: list[Stage] = []
    afters: dict[str, list[Stage]] = {name: [] for name in runs}
    for seed, (slug, names) in product(matrix.tune.seeds, _shared(runs, tuning_slug).items()):
        run = runs[names[0]]
        data = [run.training_set.model_dump(mode="json"), file_stamps(run.training_set.source), *chosen_by(run)]
        key = training_key(run.model, data, run.tune, seed)
        needs = tuple(predictions[name].name for name in names)
        tuning = Stage(f"tune-{slug}-seed{seed}", "tune", names[0], key, seed, needs)
        trainings.append(tuning)
        for benchmark in matrix.benchmarks:
            measured = [name for name in names if runs[name].benchmark == benchmark]
            read = runs[measured[0]]
            name = f"after-{tuning_slug(read, matrix.further(benchmark))}-seed{seed}"
            after_key = fingerprint([_before_key(read), key])
            after = Stage(name, "after", measured[0], after_key, seed, (tuning.name,))
            trainings.append(after)
            for name in measured:
                afters[name].append(after)
    reports = []
    for name, run in runs.items():
        prediction, after_it = predictions[name], afters[name]
        key = fingerprint([prediction.key, [stage.key for stage in after_it], matrix.post_hoc])
        before = befores[_model_and_benchmark(matrix, run)]
        needs = tuple(stage.name for stage in (prediction, before, *after_it))
        reports.append(Stage(f"report-{name}", "report", name, key, needs=needs))
    return (*predictions.values(), *befores.values(), *trainings, *reports)


def _model_and_benchmark(matrix: Matrix, run: Run) -> str:
    return model_slug(run, matrix.further(run.benchmark))


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
