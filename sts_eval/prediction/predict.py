"""The main job: from a description to a prediction record."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.benchmark import Benchmark, Domain, load_benchmark
from sts_eval.data.reward import verifier_of
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import Experiment, TuneSettings
from sts_eval.model import known_saes as known
from sts_eval.model.hook import unwrapped
from sts_eval.prediction.collect import OTHERS, collect_scores
from sts_eval.prediction.meanings import describe
from sts_eval.prediction.outliers import (
    Decode,
    agreement_warnings,
    carrier_warnings,
    largest_questions,
    sink_counts,
    sink_warnings,
)
from sts_eval.prediction.workload import FEATURES, STEP_1, STEP_2
from sts_eval.predictors.on_policy import ON_POLICY
from sts_eval.predictors.registry import select
from sts_eval.progress import Progress, silent
from sts_eval.records.meaning import Meanings
from sts_eval.records.prediction import (
    Cost,
    DomainQuestions,
    FeatureReason,
    ModelIdentity,
    OwnAnswers,
    Prediction,
    SAEIdentity,
    SeedShift,
)
from sts_eval.records.record import now
from sts_eval.records.versions import versions
from sts_eval.study.cost import CostMeter
from sts_eval.study.extractor import Extractor, load_extractor
from sts_eval.study.fit import check_sae
from sts_eval.study.neutral import load_neutral
from sts_eval.study.on_policy import OwnDemonstrations
from sts_eval.study.question_scores import DomainReading
from sts_eval.study.shifted_features import Shift

EXPLAINED = 10
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
    settings = experiment.settings
    progress("reading the data", 0, 1)
    with costs("data"):
        predictors = select(("sts", *settings.predictors))
        if settings.demonstrations == "both":
            predictors = (*predictors, *ON_POLICY)
        training_set = load_training_set(experiment.training_set)
        benchmark = load_benchmark(experiment.benchmark)
        _check_home(experiment.training_set.home, benchmark)
        neutral = load_neutral(settings.neutral_text) if settings.meanings else None
        verifier = None
        if settings.demonstrations != "ground_truth":
            verifier = verifier_of(training_set, experiment.reward)
    progress("loading the model and the SAE", 0, 1)
    with costs("load"):
        extractor = loaded or load_extractor(experiment.model, experiment.sae, settings)
    costs.models = [extractor.reader.model]
    progress("checking that SAE and model belong together", 0, 1)
    with costs(FIT):
        checked = check_sae(
            extractor, training_set, model_id=experiment.model.id, allow_mismatch=experiment.sae.allow_mismatch
        )
    found = collect_scores(
        predictors,
        extractor,
        training_set,
        benchmark.domains,
        tune=experiment.tune or TuneSettings(),
        costs=costs,
        neutral=neutral.texts if neutral else None,
        verifier=verifier,
        progress=progress,
    )
    meanings = None
    if neutral and found.firings:
        with costs(FEATURES):
            progress(MEANING, 0, 1)
            meanings = describe(extractor, found.shifts[0], found.firings, neutral.identity)
            progress(MEANING, 1, 1)
    decode = extractor.prompter.tokenizer.decode
    shifts, on_policy = (
        tuple(_seed_shift(shift, decode, found.own.get(shift.seed) if by_itself else None) for shift in part)
        for part, by_itself in ((found.shifts, settings.demonstrations == "on_policy"), (found.on_policy, True))
    )
    domains = tuple(_domain_questions(benchmark.domains[one.domain], one, decode) for one in found.readings)
    spent = costs.total((STEP_1, STEP_2))
    stages = ("data", "load", FIT, STEP_1, FEATURES, STEP_2, OTHERS)
    return Prediction(
        created=now(),
        experiment=experiment,
        model=_model_identity(extractor, experiment),
        sae=_sae_identity(extractor),
        sae_fit=checked.fit,
        training_set=training_set.identity(),
        benchmark=benchmark.identity(),
        shifts=shifts,
        on_policy_shifts=on_policy,
        domains=domains,
        predictors=found.predictors,
        reasons=_reasons(extractor, found.shifts[0], found.readings, meanings),
        meanings=meanings,
        warnings=(
            *training_set.warnings,
            *benchmark.warnings,
            *checked.warnings,
            *small_set_warnings(found.shifts, len(training_set.examples), settings.shift_tokens),
            *_warnings(extractor, found.shifts, found.readings),
            *_own_answer_lines([*shifts, *on_policy], settings.demonstrations),
            *carrier_warnings(domains),
            *sink_warnings(shifts, domains, settings),
            *agreement_warnings(found.predictors, found.readings, settings),
        ),
        versions=versions("sae-lens"),
        cost=Cost(
            seconds={name: round(costs.by_stage[name].seconds, 3) for name in stages if name in costs.by_stage},
            tokens=spent.tokens,
            passes=spent.passes,
        ),
    )


def _check_home(home: Sequence[str], benchmark: Benchmark) -> None:
    unknown = [name for name in home if name not in benchmark.domains]
    if unknown:
        raise UserError(
            f"the benchmark has no domain {unknown[0]!r}, which the training set is said to be made for",
            f"Choose among {', '.join(benchmark.domains)}",
        )


def _model_identity(extractor: Extractor, experiment: Experiment) -> ModelIdentity:
    model = unwrapped(extractor.reader.model)
    config = model.config.get_text_config()
    return ModelIdentity(
        id=experiment.model.id,
        commit=getattr(model.config, "_commit_hash", None),
        architecture=type(model).__name__,
        dtype=str(model.dtype).removeprefix("torch."),
        d_model=config.hidden_size,
        n_layers=config.num_hidden_layers,
        tokenizer_sha256=extractor.prompter.sha256(),
        chat_template=extractor.prompter.chat,
        context=extractor.context,
    )


def _sae_identity(extractor: Extractor) -> SAEIdentity:
    sae = extractor.autoencoder
    same = ("release", "id", "path", "architecture", "d_in", "d_sae", "neuronpedia_id")
    named = {name: getattr(sae, name) for name in same}
    hook = extractor.reader.hook
    return SAEIdentity(**named, hook_name=hook.name, layer=hook.layer, weights_sha256=sae.weights_sha256())


def _seed_shift(shift: Shift, decode: Decode, own: OwnDemonstrations | None) -> SeedShift:
    moved = shift.score[list(shift.features)]
    total = float(shift.score.sum())
    same = ("seed", "features", "demonstrations", "questions", "n_questions", "n_tokens", "seen", "prompts_sha256")
    return SeedShift(
        **{name: getattr(shift, name) for name in same},
        own=OwnAnswers(texts=tuple(own.answers.values()), sampled=own.sampled, accepted=own.accepted) if own else None,
        sinks=sink_counts(shift.sinks, decode),
        shift=tuple(float(value) for value in moved),
        share_of_total=float(moved.sum()) / total if total > 0 else 0.0,
    )


def _domain_questions(domain: Domain, reading: DomainReading, decode: Decode) -> DomainQuestions:
    shown = domain.demonstration_ids or tuple(map(str, range(len(domain.demonstrations))))
    positions = sorted({position for taken in reading.questions.values() for position in taken})
    return DomainQuestions(
        domain=domain.name,
        n_questions=len(positions),
        n_tokens=reading.n_tokens,
        prompts_sha256=reading.prompts_sha256,
        question_ids=tuple(domain.questions[position].id for position in positions),
        demonstration_ids=tuple(tuple(shown[position] for position in own) for own in reading.demonstrations),
        seen=reading.seen,
        sinks=sink_counts(reading.sinks, decode),
        largest=largest_questions(domain, reading, decode),
    )


def _reasons(
    extractor: Extractor, shift: Shift, readings: Sequence[DomainReading], meanings: Meanings | None
) -> tuple[FeatureReason, ...]:
    """Of the most shifted features, and of those that are most particular to the training set."""
    particular = [one.feature for one in meanings.kept[:EXPLAINED]] if meanings else []
    place = {feature: rank for rank, feature in enumerate(shift.features)}
    return tuple(
        FeatureReason(
            feature=feature,
            shift=float(shift.score[feature]),
            neuronpedia=known.neuronpedia_url(extractor.autoencoder.neuronpedia_id, feature),
            share_of_act={reading.domain: _share(reading.act_by_feature, place[feature]) for reading in readings},
            share_of_icl={reading.domain: _share(reading.icl_by_feature, place[feature]) for reading in readings},
        )
        for feature in dict.fromkeys([*shift.features[:EXPLAINED], *particular])
    )


def _share(parts: NDArray[np.float64], rank: int) -> float:
    total = float(parts.sum())
    return float(parts[rank] / total) if total > 0 else 0.0


def small_set_warnings(shifts: Sequence[Shift], n_rows: int, wanted: int) -> list[str]:
    """That all `n_rows` of the training set hold fewer question tokens than were asked for, if so."""
    fewest = min(shifts, key=lambda one: one.n_tokens)
    if fewest.n_tokens >= wanted or fewest.n_questions + len(fewest.demonstrations) < n_rows:
        return []
    return [
        f"the training set is small: all its {fewest.n_questions} questions that are not demonstrations have "
        f"{fewest.n_tokens:,} tokens, of {wanted:,} that were asked for, so its features are less certain"
    ]


def _warnings(extractor: Extractor, shifts: Sequence[Shift], readings: Sequence[DomainReading]) -> tuple[str, ...]:
    lines = [*extractor.prompter.warnings, *extractor.reader.warnings]
    if extractor.prompter.chat is False and extractor.prompter.tokenizer.chat_template:
        lines.append("the tokenizer has a chat template, but prompts were rendered without it")
    settings, why = extractor.settings, f"because the context is {extractor.context} tokens"
    lines += [
        f"seed {one.seed}: {one.fewer_shots} of {one.n_questions} training questions saw fewer than {settings.shots} "
        f"demonstrations, {why}"
        for one in shifts
        if one.fewer_shots
    ]
    fewer = sum(one.fewer_shots for one in readings)
    if fewer:
        worst = max(readings, key=lambda one: one.fewer_shots / sum(one.seen))
        lines.append(
            f"{fewer} of {sum(sum(one.seen) for one in readings)} readings of domains saw fewer than "
            f"{settings.domain_shots} demonstrations, {why}; most often in {worst.domain} ({worst.fewer_shots} of "
            f"{sum(worst.seen)})"
        )
    return tuple(lines)


def _own_answer_lines(shifts: Sequence[SeedShift], demonstrations: str) -> list[str]:
    """That the model's own answers were demonstrated, and how many of those that it gave were accepted."""
    own = [shift.own for shift in shifts if shift.own is not None]
    if not own:
        return []
    what = "the scores of STS" if demonstrations == "on_policy" else "the scores of STS that end in on_policy"
    return [
        f"{what} show the untuned model's own answers, of which the reward accepted "
        f"{sum(one.accepted for one in own)} of {sum(one.sampled for one in own)}"
    ]
