"""What makes a run again: the experiment file that its records describe, and the commands around it."""

import shlex
from typing import TypeVar

import sts_eval
from sts_eval.experiment import (
    BenchmarkSpec,
    MeasureSettings,
    ModelSpec,
    PredictSettings,
    Run,
    SAESpec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.experiment_file import template
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Imported, Measured
from sts_leaderboard.board_cache import BEGINNING
from sts_leaderboard.escaping import plain

Spec = TypeVar("Spec", ModelSpec, TrainingSetSpec, BenchmarkSpec)

WRITTEN = "# as the submitter wrote it; nobody checked it"
PUBLISHED = "# figures of a paper: there is nothing to run"
ELSEWHERE = "# evaluated elsewhere; the submitter gave no command"
RECORDED = (
    "# The settings of the attached records. They do not say how many questions were scored at most, nor how they\n"
    "# were batched: see `measure`.\n"
)
IN_SHORT = (
    "# No records are attached, so these are the names that the submission gives; all other settings stand at their\n"
    "# defaults and may differ from those of the run.\n"
)
OWN_CODE = "# The reward was code of the submitter's own, which is not named here: put one of your own in its place.\n"
LOCAL = "# Names without an owner are of what the submitter had on a disk: put your own folders in their place.\n"


def command(run: Submission, sha256: str) -> str:
    """Commands that make the run again, and before each how far to trust it."""
    written = plain(run.provenance.command, 1000)
    lines = [WRITTEN, written] if written else []
    if run.origin == "measured":
        lines.append("# with the experiment file below, which was made from the submission")
        lines.append(f"sts-eval run {file_name(sha256)}")
    elif run.origin == "imported" and run.transfer is not None and isinstance(run.transfer.origin, Imported):
        origin = run.transfer.origin
        words = ["sts-eval", "import", "--format", origin.format, *origin.sources]
        lines += ["# from the results of both sides, by their names", shlex.join(plain(word) for word in words)]
    return "\n".join(lines) or (PUBLISHED if run.origin == "published" else ELSEWHERE)


def experiment(run: Submission) -> Run:
    """The run that a submission describes: by its records, at the revisions that they saw, or by its names alone."""
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
        measure = MeasureSettings(**{name: getattr(transfer.origin, name) for name in names})
    return Run(
        model=_at(asked.model, made.model.commit),
        sae=asked.sae,
        training_set=_at(asked.training_set, made.training_set.revision),
        benchmark=_at(asked.benchmark, made.benchmark.revision),
        settings=_without_own_code(asked.settings),
        tune=_without_own_reward(tuned or TuneSettings()),
        measure=measure,
    )


def _without_own_code(settings: PredictSettings) -> PredictSettings:
    """Without a reward that is code of the submitter's: nobody else runs it unasked."""
    own = settings.reward is not None and ":" in settings.reward
    return settings.model_copy(update={"reward": None}) if own else settings


def _without_own_reward(tune: TuneSettings) -> TuneSettings:
    """The same of a tuning's reward."""
    if tune.grpo is None or ":" not in tune.grpo.reward:
        return tune
    return tune.model_copy(update={"grpo": tune.grpo.model_copy(update={"reward": "exact"})})


def experiment_file(run: Submission, sha256: str) -> str:
    """The experiment of a measured run as the YAML file that `sts-eval run` takes."""
    local = run.model.revision is None or run.training_set.revision is None
    head = f"# Run {sha256[:BEGINNING]} of the leaderboard, for sts-eval {sts_eval.__version__}.\n"
    made, tuning = run.prediction, run.transfer.tuning if run.transfer is not None else None
    rewards = [
        made.experiment.reward if made else "",
        *([tuning.settings.grpo.reward] if tuning and tuning.settings.grpo else []),
    ]
    head += (IN_SHORT if made is None else RECORDED) + OWN_CODE * any(":" in one for one in rewards)
    return head + LOCAL * local + template(experiment(run))


def file_name(sha256: str) -> str:
    """What the experiment file of a run is called."""
    return f"run-{sha256[:BEGINNING]}.yaml"


def _at(part: Spec, revision: str | None) -> Spec:
    return part.model_copy(update={"revision": revision}) if revision else part
