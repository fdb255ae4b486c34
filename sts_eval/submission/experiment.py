"""The experiment that a submission describes, as a run that somebody else may make.

A record comes from somebody whom nobody knows. So nothing in it that runs code, opens a pickle, loads a module, reads
task files or sends logs becomes a setting here, whatever it says: who runs the experiment has to add that.
"""

from typing import Any, TypeVar

from pydantic import BaseModel

from sts_eval.experiment import BenchmarkSpec, MeasureSettings, ModelSpec, Run, SAESpec, TrainingSetSpec, TuneSettings
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Measured

WITHHELD = frozenset({"trust_remote_code", "allow_pickle", "include_path", "neutral_text", "report_to"})
"""Settings that are left at their defaults, whatever they are."""

REWARD = "reward"
"""Left at its default where it is MODULE:FUNCTION."""

Kind = TypeVar("Kind", bound=BaseModel)
Spec = TypeVar("Spec", ModelSpec, TrainingSetSpec, BenchmarkSpec)


def experiment(run: Submission) -> Run:
    """The run that a submission describes: by its records, at the revisions that they saw, or by its names alone.

    At most as many questions of a domain are scored as were: the records do not say how many were asked for.
    """
    made, transfer = run.prediction, run.transfer
    if made is None:
        seeds = tuple(dict.fromkeys(run.outcome.seeds))
        return Run(
            model=ModelSpec(id=run.model.id, revision=run.model.revision),
            sae=SAESpec(release=run.sae.release, id=run.sae.id) if run.sae else SAESpec(),
            training_set=TrainingSetSpec(source=run.training_set.id, revision=run.training_set.revision),
            benchmark=BenchmarkSpec(),
            tune=TuneSettings(seeds=seeds) if seeds else TuneSettings(),
            measure=MeasureSettings(task=run.benchmark),
        )
    asked = made.experiment
    tuned = transfer.tuning.settings if transfer is not None and transfer.tuning is not None else asked.tune
    measure = MeasureSettings()
    if transfer is not None and isinstance(transfer.origin, Measured):
        names = ("task", "backend", "num_fewshot", "questions")
        most = max((domain.n for domain in transfer.domains), default=None)
        measure = MeasureSettings(**{name: getattr(transfer.origin, name) for name in names}, max_questions=most)
    return harmless(
        Run(
            model=_at(asked.model, made.model.commit),
            sae=asked.sae,
            training_set=_at(asked.training_set, made.training_set.revision),
            benchmark=_at(asked.benchmark, made.benchmark.revision),
            settings=asked.settings,
            tune=tuned or TuneSettings(),
            measure=measure,
        )
    )


def harmless(part: Kind) -> Kind:
    """A description without the settings that are withheld, at any depth."""
    changes: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if _runs_or_reads(name, value):
            changes[name] = field.get_default(call_default_factory=True)
        elif isinstance(value, BaseModel):
            changes[name] = harmless(value)
    return part.model_copy(update=changes)


def withheld(run: Submission) -> tuple[str, ...]:
    """The settings of a submission's records that are not handed on, sorted."""
    made, transfer = run.prediction, run.transfer
    parts = [made and made.experiment, transfer and transfer.tuning and transfer.tuning.settings]
    return tuple(sorted({name for part in parts if isinstance(part, BaseModel) for name in _set(part)}))


def _set(part: BaseModel) -> set[str]:
    found: set[str] = set()
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if _runs_or_reads(name, value) and value != field.get_default(call_default_factory=True):
            found.add(name)
        elif isinstance(value, BaseModel):
            found |= _set(value)
    return found


def _runs_or_reads(name: str, value: object) -> bool:
    """Whether a setting runs code, or reads or writes what somebody else chose."""
    return name in WITHHELD or (name == REWARD and isinstance(value, str) and ":" in value)


def _at(part: Spec, revision: str | None) -> Spec:
    return part.model_copy(update={"revision": revision}) if revision else part
