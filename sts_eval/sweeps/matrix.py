"""The description of a sweep, and its expansion into runs."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from sts_eval.analysis.names import model_name, set_name
from sts_eval.experiment import (
    BenchmarkSpec,
    MeasureSettings,
    ModelSpec,
    PredictSettings,
    Run,
    SAESpec,
    Spec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.experiment_file import read_description, section, section_of_list
from sts_eval.records.record import fingerprint

Kind = Literal["predict", "before", "tune", "after", "report"]  # what a stage does

LONGEST = 32  # letters of a name that are kept in a slug, so that the name of a run is one of a file on any disk


def _identity(*specs: Spec) -> str:
    """Hash of descriptions; where a model runs, and the SAEs that predict for it, are no part of it."""
    return fingerprint([one.model_dump(mode="json", exclude={"device", "saes"}) for one in specs])


def _all_different(what: str) -> AfterValidator:
    def check(given: tuple[Spec, ...]) -> tuple[Spec, ...]:
        if len({_identity(one) for one in given}) < len(given):
            raise ValueError(f"a {what} occurs twice")
        return given

    return AfterValidator(check)


class StageResources(Spec):
    """What one stage is given."""

    cpus: int = Field(1, ge=1, description="cores; the worker computes on so many threads")
    gpus: float = Field(0, ge=0, description="GPUs; below 1 several stages share one")
    memory_gb: float | None = Field(None, gt=0, description="memory to reserve, in 1e9 bytes; none if absent")


class Resources(Spec):
    """What each kind of stage asks of a Ray cluster; on this machine alone stages take what they find."""

    predict: StageResources = Field(StageResources(), description="the prediction of a run")
    tune: StageResources = Field(StageResources(), description="one seed of a tuning")
    measure: StageResources = Field(StageResources(), description="one model's answers, before or after")
    report: StageResources = Field(StageResources(), description="reading the tuned models, and the report")

    def of(self, kind: Kind) -> StageResources:
        """The resources of a kind of stage."""
        given: StageResources = getattr(self, "measure" if kind in ("before", "after") else kind)
        return given


class MatrixModel(ModelSpec):
    """A model of a sweep, with the SAEs that predict for it."""

    saes: Annotated[tuple[SAESpec, ...], _all_different("SAE")] = Field(
        (SAESpec(),), min_length=1, description="each as release and id, or path"
    )

    def spec(self) -> ModelSpec:
        """The model without its SAEs."""
        return ModelSpec(**{name: getattr(self, name) for name in ModelSpec.model_fields})


class Matrix(Spec):
    """A sweep: every model with each of its SAEs, on every training set and benchmark, with all seeds of the tuning."""

    models: Annotated[tuple[MatrixModel, ...], _all_different("model")] = Field(
        min_length=1, description="the untuned models"
    )
    training_sets: Annotated[tuple[TrainingSetSpec, ...], _all_different("training set")] = Field(
        min_length=1, description="the sets to tune on"
    )
    benchmarks: Annotated[tuple[BenchmarkSpec, ...], _all_different("benchmark")] = Field(
        (BenchmarkSpec(),), min_length=1, description="what to predict and to measure; one tuning serves all of them"
    )
    settings: PredictSettings = PredictSettings()
    tune: TuneSettings = TuneSettings()
    measure: MeasureSettings = MeasureSettings()
    resources: Resources = Resources()
    retries: int = Field(2, ge=0, description="how often a stage that broke is tried again")
    post_hoc: bool = Field(False, description="report predictions that were made after fine-tuning started, marked")

    @model_validator(mode="before")
    @classmethod
    def _one_benchmark(cls, given: Any) -> Any:
        """Files from before there could be several benchmarks name one."""
        if isinstance(given, Mapping) and "benchmark" in given and "benchmarks" not in given:
            return {name: value for name, value in given.items() if name != "benchmark"} | {
                "benchmarks": [given["benchmark"] or {}]
            }
        return given

    def expand(self) -> tuple[tuple[str, Run], ...]:
        """All runs with their names: benchmarks in order, within them models, SAEs and training sets.

        A name says what the run is of and ends in a hash of that, so that no two are the same, and a matrix that
        grows at its ends renames nothing: runs on the first benchmark do not name it.
        """
        shared = {name: getattr(self, name) for name in ("settings", "tune", "measure")}
        return tuple(
            (run_name(run, self.further(benchmark)), run)
            for benchmark in self.benchmarks
            for model in self.models
            for sae in model.saes
            for training_set in self.training_sets
            for run in [
                Run(model=model.spec(), sae=sae, training_set=training_set, benchmark=benchmark, **shared),
            ]
        )

    def further(self, benchmark: BenchmarkSpec) -> tuple[BenchmarkSpec, ...]:
        """The benchmark where names must say it: all but the first."""
        return () if benchmark == self.benchmarks[0] else (benchmark,)


def run_name(run: Run, further: tuple[BenchmarkSpec, ...] = ()) -> str:
    """Name of a run: model, SAE where one is named, training set, benchmark if it is a further one, hash of these."""
    names = [model_name(run.model.id), _sae_name(run.sae), set_name(run.training_set.source)]
    return _name([*names, *(set_name(one.source) for one in further)], run.model, run.sae, run.training_set, *further)


def model_slug(run: Run, further: tuple[BenchmarkSpec, ...] = ()) -> str:
    """Name of what a model's runs on a benchmark share."""
    return _name([model_name(run.model.id), *(set_name(one.source) for one in further)], run.model, *further)


def tuning_slug(run: Run, further: tuple[BenchmarkSpec, ...] = ()) -> str:
    """Name of what the runs of a model and training set share, on one benchmark if it is named.

    It does not depend on the SAE, unless its features are tuned.
    """
    names = [model_name(run.model.id), set_name(run.training_set.source), *(set_name(one.source) for one in further)]
    chosen = [run.sae] if run.tune.method == "features" else []
    return _name(names, run.model, run.training_set, *further, *chosen)


def _name(names: Sequence[str], *specs: Spec) -> str:
    return "-".join([*filter(None, map(_slug, names)), _identity(*specs)[:6]])


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())[:LONGEST].strip("-.")


def _sae_name(sae: SAESpec) -> str:
    if sae.path:
        return model_name(sae.path)
    return "-".join(part for part in (sae.release and model_name(sae.release), sae.id) if part)


def read_matrix(path: Path) -> Matrix:
    """Read a matrix file.

    Raises:
        UserError: The file is missing, is not YAML (with the line), or says something unknown.
    """
    return read_description(path, Matrix, "sts-eval init --matrix")


def matrix_template(matrix: Matrix) -> str:
    """A matrix file with every setting, its meaning as a comment, and this matrix's values."""
    text = "# Every model, with each of its SAEs, on every training set. Run it: sts-eval sweep THIS_FILE\n"
    text += section_of_list("models", "The untuned models", matrix.models)
    text += "# Settings of each SAE:\n"
    text += "".join(f"#   {field}: {info.description}\n" for field, info in SAESpec.model_fields.items())
    text += section_of_list("training_sets", "The sets to tune on", matrix.training_sets)
    text += section_of_list("benchmarks", "What to predict and to measure", matrix.benchmarks)
    for name in ("settings", "tune", "measure", "resources"):
        text += section(name, getattr(matrix, name))
    for name in ("retries", "post_hoc"):
        text += f"\n# {Matrix.model_fields[name].description}\n{name}: {str(getattr(matrix, name)).lower()}\n"
    return text
