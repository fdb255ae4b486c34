"""The stages of a sweep, each of them once, however many runs it serves.

    predict   one per run
    before    one per model, after any of its predictions: all leave out the same questions
    tune      one per model, training set and seed, after all predictions that it is to be held against
    after     one per tuned seed
    report    one per run

A stage is named by what it is about and keyed by what its result depends on. Files are told apart by name, size
and time of change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts_eval.data.tables import fingerprint
from sts_eval.experiment import Run, Spec
from sts_eval.sweep.matrix import Kind, Matrix, model_slug, tuning_slug


@dataclass(frozen=True)
class Stage:
    """One piece of work.

    Attributes:
        name: Unique in the sweep, and the name of its files.
        kind: What it does.
        run: Name of the run that it is for; of the first where several share it.
        seed: Seed of the tuning, where it is about one.
        needs: Stages that must be done before it.
        needs_one: Stages of which one must be done before it.
        key: Hash of what its result depends on.
    """

    name: str
    kind: Kind
    run: str
    seed: int | None
    needs: tuple[str, ...]
    needs_one: tuple[str, ...]
    key: str


def plan(matrix: Matrix) -> tuple[Stage, ...]:
    """All stages of a sweep, each after those that it needs."""
    runs = matrix.expand()
    by_model = _grouped(runs, model_slug)
    by_tuning = _grouped(runs, tuning_slug)
    keys = {name: _Keys.of(run) for name, run in runs}
    stages = [Stage(f"predict-{name}", "predict", name, None, (), (), keys[name].predict) for name, _ in runs]
    for slug, names in by_model.items():
        needs = tuple(f"predict-{name}" for name in names)
        stages.append(Stage(f"before-{slug}", "before", names[0], None, (), needs, keys[names[0]].before))
    for slug, names in by_tuning.items():
        needs = tuple(f"predict-{name}" for name in names)
        for seed in matrix.tune.seeds:
            key = keys[names[0]].tune(seed)
            stages.append(Stage(f"tune-{slug}-seed{seed}", "tune", names[0], seed, needs, (), key))
    for slug, names in by_tuning.items():
        for seed in matrix.tune.seeds:
            key = keys[names[0]].after(seed)
            needs = (f"tune-{slug}-seed{seed}",)
            stages.append(Stage(f"after-{slug}-seed{seed}", "after", names[0], seed, needs, (), key))
    for name, run in runs:
        afters = tuple(f"after-{tuning_slug(run)}-seed{seed}" for seed in matrix.tune.seeds)
        needs = (f"predict-{name}", f"before-{model_slug(run)}", *afters)
        key = keys[name].report(matrix)
        stages.append(Stage(f"report-{name}", "report", name, None, needs, (), key))
    return tuple(stages)


def unshared(matrix: Matrix) -> dict[Kind, int]:
    """How many stages of each kind there would be if no run shared any."""
    n_runs, n_seeds = len(matrix.expand()), len(matrix.tune.seeds)
    return {"predict": n_runs, "before": n_runs, "tune": n_runs * n_seeds, "after": n_runs * n_seeds, "report": n_runs}


def _grouped(runs: Sequence[tuple[str, Run]], slug: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, run in runs:
        groups.setdefault(slug(run), []).append(name)
    return groups


@dataclass(frozen=True)
class _Keys:
    """What the stages of a run depend on, as hashes."""

    run: Run
    predict: str
    before: str

    @classmethod
    def of(cls, run: Run) -> _Keys:
        from sts_eval.pipeline import prediction_depends_on

        data = [_file_stamp(run.training_set.source), _file_stamp(run.benchmark.source)]
        read = [run.settings.domain_tokens, list(run.settings.seeds)]
        before = [*_model(run), _plain(run.benchmark), data[1], read, _plain(run.measure)]
        return cls(run, fingerprint([*prediction_depends_on(run), *data]), fingerprint(before))

    def tune(self, seed: int) -> str:
        from sts_eval.model.fingerprint import NOT_IN_WEIGHTS

        run = self.run
        settings = run.tune.model_dump(mode="json", exclude=NOT_IN_WEIGHTS)
        data = [_plain(run.training_set), _file_stamp(run.training_set.source)]
        return fingerprint([*_model(run), *data, settings, seed])

    def after(self, seed: int) -> str:
        return fingerprint([self.before, self.tune(seed)])

    def report(self, matrix: Matrix) -> str:
        return fingerprint([self.predict, [self.after(seed) for seed in matrix.tune.seeds], matrix.post_hoc])


def _model(run: Run) -> list[Any]:
    from sts_eval.model.fingerprint import model_fingerprint

    return [model_fingerprint(run.model)]


def _plain(spec: Spec) -> Mapping[str, Any]:
    return spec.model_dump(mode="json")


def _file_stamp(source: str) -> list[list[Any]]:
    """The files behind a local source; none for a hub id."""
    place = Path(source).expanduser()
    files = sorted(place.iterdir()) if place.is_dir() else [place] if place.is_file() else []
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
