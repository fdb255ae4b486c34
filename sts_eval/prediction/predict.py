"""The main job: from a description to a prediction record."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.benchmark import Domain, load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import Experiment, TuneSettings
from sts_eval.model import known_saes as known
from sts_eval.model.hook import unwrapped
from sts_eval.prediction.collect import Material, Rivals
from sts_eval.predictors.predictor import Need
from sts_eval.predictors.registry import select
from sts_eval.progress import Progress, silent
from sts_eval.records.older import STS_SUMMARIES
from sts_eval.records.prediction import (
    Cost,
    DomainQuestions,
    FeatureReason,
    ModelIdentity,
    Prediction,
    PredictorCost,
    PredictorScores,
    SAEIdentity,
    Score,
    SeedShift,
    TokenFiring,
)
from sts_eval.records.record import now
from sts_eval.study.cost import Spent
from sts_eval.study.extractor import Extractor, load_extractor
from sts_eval.study.question_scores import DomainReading, choose_questions, estimate, read_domain
from sts_eval.study.shifted_features import Shift, measure_shift
from sts_eval.study.top_tokens import Evidence

PACKAGES = ("sts-eval", "torch", "transformers", "sae-lens", "datasets", "peft", "lm-eval")

EXPLAINED = 10


def predict(experiment: Experiment, progress: Progress = silent) -> Prediction:
    """Predict how much each domain will change if the model is tuned on the training set.

    Reads the untuned model only. Data are read before the model, so that a mistake in them costs
    seconds.

    Args:
        experiment: What to read and how.
        progress: Called with (stage, done, total) as questions are read.

    Raises:
        UserError: Something in the description or in what it names is wrong.
    """
    clock = _Clock()
    settings = experiment.settings
    with clock("data"):
        wanted = select(settings.predictors)
        training_set = load_training_set(experiment.training_set)
        benchmark = load_benchmark(experiment.benchmark)
    with clock("load"):
        extractor = load_extractor(experiment.model, experiment.sae, settings)
    rivals = Rivals(wanted, extractor)
    first = settings.seeds[0]
    with clock("step 1"), rivals.ledger(Need.SHIFT):
        shifts = [
            measure_shift(extractor, training_set, seed, progress, rivals.listen() if seed == first else None)
            for seed in settings.seeds
        ]
    evidence = Evidence(shifts[0].features[:EXPLAINED])
    with clock("step 2"), rivals.ledger(Need.ACTIVATIONS):
        chosen = {name: _choose(extractor, domain) for name, domain in benchmark.domains.items()}
        readings = [
            read_domain(extractor, domain, shifts, chosen[name], evidence, progress, rivals.listen(name))
            for name, domain in benchmark.domains.items()
        ]
    others: tuple[PredictorScores, ...] = ()
    if wanted:
        read = {name: by_seed[first] for name, by_seed in chosen.items()}
        material = Material(training_set, benchmark, read, experiment.tune or TuneSettings())
        with clock("other predictors"):
            others = rivals.columns(material, shifts[0], progress)
    spent = rivals.ledger.of((Need.SHIFT, Need.ACTIVATIONS))
    return Prediction(
        created=now(),
        experiment=experiment,
        model=_model_identity(extractor, experiment),
        sae=_sae_identity(extractor),
        training_set=training_set.identity(),
        benchmark=benchmark.identity(),
        shifts=tuple(_seed_shift(shift) for shift in shifts),
        domains=tuple(_domain_questions(benchmark.domains[reading.domain], reading) for reading in readings),
        predictors=(*_sts(settings.seeds, readings, clock.seconds, spent), *others),
        reasons=_reasons(extractor, shifts[0], readings, evidence),
        warnings=(*training_set.warnings, *benchmark.warnings, *_warnings(extractor, shifts, readings)),
        versions={"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES},
        cost=Cost(seconds=clock.seconds, tokens=spent.tokens, passes=spent.passes),
    )


def _choose(extractor: Extractor, domain: Domain) -> dict[int, list[int]]:
    settings, length = extractor.settings, extractor.prompter.length
    return {seed: choose_questions(domain, seed, settings.domain_tokens, length) for seed in settings.seeds}


class _Clock:
    """Wall-clock seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)


def _model_identity(extractor: Extractor, experiment: Experiment) -> ModelIdentity:
    model = unwrapped(extractor.reader.model)
    config = model.config.get_text_config()
    tokenizer = extractor.prompter.tokenizer
    return ModelIdentity(
        id=experiment.model.id,
        commit=getattr(model.config, "_commit_hash", None),
        architecture=type(model).__name__,
        dtype=str(model.dtype).removeprefix("torch."),
        d_model=config.hidden_size,
        n_layers=config.num_hidden_layers,
        tokenizer_sha256=hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        chat_template=extractor.prompter.chat,
        context=extractor.context,
    )


def _sae_identity(extractor: Extractor) -> SAEIdentity:
    sae = extractor.autoencoder
    return SAEIdentity(
        release=sae.release,
        id=sae.id,
        path=sae.path,
        architecture=sae.architecture,
        d_in=sae.d_in,
        d_sae=sae.d_sae,
        hook_name=extractor.reader.hook.name,
        layer=extractor.reader.hook.layer,
        neuronpedia_id=sae.neuronpedia_id,
        weights_sha256=sae.weights_sha256(),
    )


def _seed_shift(shift: Shift) -> SeedShift:
    moved = shift.score[list(shift.features)]
    total = float(shift.score.sum())
    return SeedShift(
        seed=shift.seed,
        features=shift.features,
        shift=tuple(float(value) for value in moved),
        share_of_total=float(moved.sum()) / total if total > 0 else 0.0,
        demonstrations=shift.demonstrations,
        n_questions=shift.n_questions,
        n_tokens=shift.n_tokens,
        prompts_sha256=shift.prompts_sha256,
    )


def _domain_questions(domain: Domain, reading: DomainReading) -> DomainQuestions:
    positions = sorted({position for taken in reading.questions.values() for position in taken})
    return DomainQuestions(
        domain=domain.name,
        n_questions=len(positions),
        n_tokens=reading.n_tokens,
        prompts_sha256=reading.prompts_sha256,
        question_ids=tuple(domain.questions[position].id for position in positions),
    )


def _sts(
    seeds: Sequence[int], readings: Sequence[DomainReading], seconds: Mapping[str, float], spent: Spent
) -> tuple[PredictorScores, ...]:
    cost = PredictorCost(
        seconds=round(sum(seconds[step] for step in ("step 1", "step 2")), 3),
        tokens=spent.tokens,
        passes=spent.passes,
        backward_passes=0,
    )
    return tuple(
        PredictorScores(
            name=name,
            group="sts",
            flags=(),
            summary=summary,
            scores={reading.domain: _score(reading, name) for reading in readings},
            seeds=tuple(seeds),
            cost=cost,
        )
        for name, summary in STS_SUMMARIES.items()
    )


def _score(reading: DomainReading, name: str) -> Score:
    by_seed = {
        seed: {position: getattr(score, name) for position, score in taken.items()}
        for seed, taken in reading.questions.items()
    }
    found = estimate(by_seed)
    return Score(value=found.value, se=None if math.isnan(found.se) else found.se, seed_sd=found.seed_sd)


def _reasons(
    extractor: Extractor, shift: Shift, readings: Sequence[DomainReading], evidence: Evidence
) -> tuple[FeatureReason, ...]:
    decode = extractor.prompter.tokenizer.decode
    reasons = []
    for rank, feature in enumerate(shift.features[:EXPLAINED]):
        firings = tuple(
            TokenFiring(
                token=decode([firing.ids[-1]]),
                before=decode(firing.ids[:-1]),
                domain=firing.domain,
                activation=firing.activation,
            )
            for firing in evidence.strongest(feature)
        )
        reasons.append(
            FeatureReason(
                feature=feature,
                shift=float(shift.score[feature]),
                neuronpedia=known.neuronpedia_url(extractor.autoencoder.neuronpedia_id, feature),
                share_of_act=_shares(rank, {reading.domain: reading.act_by_feature for reading in readings}),
                share_of_icl=_shares(rank, {reading.domain: reading.icl_by_feature for reading in readings}),
                firings=firings,
            )
        )
    return tuple(reasons)


def _shares(rank: int, by_domain: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {
        domain: float(parts[rank] / total) if (total := float(parts.sum())) > 0 else 0.0
        for domain, parts in by_domain.items()
    }


def _warnings(extractor: Extractor, shifts: Sequence[Shift], readings: Sequence[DomainReading]) -> tuple[str, ...]:
    lines = [*extractor.prompter.warnings, *extractor.reader.warnings]
    if extractor.prompter.chat is False and extractor.prompter.tokenizer.chat_template:
        lines.append("the tokenizer has a chat template, but prompts were rendered without it")
    for shift in shifts:
        if shift.fewer_shots:
            lines.append(
                f"seed {shift.seed}: {shift.fewer_shots} of {shift.n_questions} training questions saw fewer than "
                f"{extractor.settings.shots} demonstrations, because the context is {extractor.context} tokens"
            )
    for reading in readings:
        if reading.fewer_shots:
            lines.append(
                f"{reading.domain}: {reading.fewer_shots} readings saw fewer than {extractor.settings.domain_shots} "
                f"demonstrations, because the context is {extractor.context} tokens"
            )
    return tuple(lines)
