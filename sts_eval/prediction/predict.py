"""The main job: from a description to a prediction record."""

from collections.abc import Sequence
from typing import NamedTuple

from sts_eval.data.benchmark import Benchmark, load_benchmark
from sts_eval.data.reward import Verifier, verifier_of
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import Experiment, TuneSettings
from sts_eval.prediction.collect import OTHERS, Collected, collect_scores
from sts_eval.prediction.meanings import describe
from sts_eval.prediction.record_parts import domain_questions, model_identity, reasons, sae_identity, seed_shift
from sts_eval.prediction.warnings import warnings_of
from sts_eval.prediction.workload import FEATURES, STEP_1, STEP_2
from sts_eval.predictors.on_policy import ON_POLICY
from sts_eval.predictors.predictor import Predictor
from sts_eval.predictors.registry import select
from sts_eval.progress import Progress, silent
from sts_eval.records.meaning import Meanings
from sts_eval.records.prediction import Cost, Prediction
from sts_eval.records.record import now
from sts_eval.records.versions import versions
from sts_eval.sae_training.texts import Texts
from sts_eval.study.cost import CostMeter
from sts_eval.study.extractor import Extractor, load_extractor
from sts_eval.study.fit import Checked, check_sae
from sts_eval.study.neutral import load_neutral

FIT = "fit"  # the stage that checks whether SAE and model belong together
MEANING = "what the shifted features mean"


def predict(experiment: Experiment, progress: Progress = silent, *, loaded: Extractor | None = None) -> Prediction:
    """Predict how much each domain will change if the model is tuned on the training set.

    Reads the untuned model only. Data are read before the model, so that a mistake in them costs seconds. `loaded` is
    the model with its SAE where they are in memory already.

    Raises:
        UserError: Something in the description or in what it names is wrong.
    """
    costs = CostMeter()
    progress("reading the data", 0, 1)
    with costs("data"):
        data = _read_data(experiment)
    progress("loading the model and the SAE", 0, 1)
    with costs("load"):
        extractor = loaded or load_extractor(experiment.model, experiment.sae, experiment.settings)
    costs.models = [extractor.reader.model]
    progress("checking that SAE and model belong together", 0, 1)
    with costs(FIT):
        checked = check_sae(
            extractor, data.training_set, model_id=experiment.model.id, allow_mismatch=experiment.sae.allow_mismatch
        )
    found = collect_scores(
        data.predictors,
        extractor,
        data.training_set,
        data.benchmark.domains,
        tune=experiment.tune or TuneSettings(),
        costs=costs,
        neutral=data.neutral.texts if data.neutral else None,
        verifier=data.verifier,
        progress=progress,
    )
    meanings = None
    if data.neutral and found.firings:
        with costs(FEATURES):
            progress(MEANING, 0, 1)
            meanings = describe(extractor, found.shifts[0], found.firings, data.neutral.identity)
            progress(MEANING, 1, 1)
    return _recorded(experiment, data, extractor, checked, found, meanings, costs)


class _Data(NamedTuple):
    """What is read before the model."""

    predictors: Sequence[Predictor]
    training_set: TrainingSet
    benchmark: Benchmark
    neutral: Texts | None  # where the meaning of features is asked for
    verifier: Verifier | None  # where the model's own answers are demonstrated


def _read_data(experiment: Experiment) -> _Data:
    settings = experiment.settings
    predictors = select(("sts", *settings.predictors))
    if settings.demonstrations == "both":
        predictors = (*predictors, *ON_POLICY)
    training_set = load_training_set(experiment.training_set)
    benchmark = load_benchmark(experiment.benchmark)
    _check_home(experiment.training_set.home, benchmark)
    return _Data(
        predictors=predictors,
        training_set=training_set,
        benchmark=benchmark,
        neutral=load_neutral(settings.neutral_text) if settings.meanings else None,
        verifier=None if settings.demonstrations == "ground_truth" else verifier_of(training_set, experiment.reward),
    )


def _check_home(home: Sequence[str], benchmark: Benchmark) -> None:
    unknown = [name for name in home if name not in benchmark.domains]
    if unknown:
        raise UserError(
            f"the benchmark has no domain {unknown[0]!r}, which the training set is said to be made for",
            f"Choose among {', '.join(benchmark.domains)}",
        )


def _recorded(
    experiment: Experiment,
    data: _Data,
    extractor: Extractor,
    checked: Checked,
    found: Collected,
    meanings: Meanings | None,
    costs: CostMeter,
) -> Prediction:
    decode = extractor.prompter.tokenizer.decode
    shifts, on_policy = (
        tuple(seed_shift(shift, decode, found.own.get(shift.seed) if by_itself else None) for shift in part)
        for part, by_itself in (
            (found.shifts, experiment.settings.demonstrations == "on_policy"),
            (found.on_policy, True),
        )
    )
    domains = tuple(domain_questions(data.benchmark.domains[one.domain], one, decode) for one in found.readings)
    spent = costs.total((STEP_1, STEP_2))
    stages = ("data", "load", FIT, STEP_1, FEATURES, STEP_2, OTHERS)
    return Prediction(
        created=now(),
        experiment=experiment,
        model=model_identity(extractor, experiment),
        sae=sae_identity(extractor),
        sae_fit=checked.fit,
        training_set=data.training_set.identity(),
        benchmark=data.benchmark.identity(),
        shifts=shifts,
        on_policy_shifts=on_policy,
        domains=domains,
        predictors=found.predictors,
        reasons=reasons(extractor, found.shifts[0], found.readings, meanings),
        meanings=meanings,
        warnings=(
            *data.training_set.warnings,
            *data.benchmark.warnings,
            *checked.warnings,
            *warnings_of(extractor, data.training_set, found, shifts, on_policy, domains),
        ),
        versions=versions("sae-lens"),
        cost=Cost(
            seconds={name: round(costs.by_stage[name].seconds, 3) for name in stages if name in costs.by_stage},
            tokens=spent.tokens,
            passes=spent.passes,
        ),
    )
