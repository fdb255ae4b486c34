"""From a loaded model and data to every wanted predictor's scores.

Steps 1 and 2 of STS are read once for all that need their passes; what other predictors need beyond is read once each.
"""

import time
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.prompt import Turn
from sts_eval.data.reward import Verifier
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.progress import Progress, silent
from sts_eval.records.prediction import ROBUST, SCORES, PredictorScores, Score
from sts_eval.study.activations import ActivationMoments
from sts_eval.study.cost import CostMeter
from sts_eval.study.draws import choose_questions
from sts_eval.study.embeddings import SHIPPED, load_encoder, read_embeddings
from sts_eval.study.extractor import Extractor
from sts_eval.study.firings import Firings, read_firings
from sts_eval.study.gradients import read_gradients
from sts_eval.study.injection import read_injection
from sts_eval.study.losses import read_losses
from sts_eval.study.on_policy import OwnDemonstrations, with_own_answers
from sts_eval.study.own_answers import read_own_answers
from sts_eval.study.question_scores import DomainReading, OnPolicyScores, QuestionScores, read_domain
from sts_eval.study.reading import Listen
from sts_eval.study.shifted_features import Shift, measure_shift
from sts_eval.study.short_training import read_probe
from sts_eval.study.span_means import read_last_tokens
from sts_eval.study.study import Activations, Study, Texts
from sts_eval.study.training_losses import read_reversed_losses, read_training_losses

STEP_1, STEP_2, OTHERS = "step 1", "step 2", "other predictors"
SCORING = "scores by all predictors"  # what is told while they score what was read
FEATURES = "features"  # the stage in which training set and neutral text are read for the features' meaning

# The stages that a part of a study is read in.
STAGES: Mapping[Need, Collection[str]] = {
    **{need: (need.value,) for need in Need},  # the rest is read each in a stage of its own
    Need.TEXTS: (),
    Need.DECODER: (),
    Need.SHIFT: (STEP_1,),
    Need.QUESTION_SCORES: (STEP_1, STEP_2),
    Need.ACTIVATIONS: (STEP_1, STEP_2),
    Need.ON_POLICY: (Need.ON_POLICY.value, STEP_2),
}

_TRAINING = ""  # the training set's name among the sets of questions; no domain is called so


class Collected(NamedTuple):
    """What was read and scored."""

    shifts: Sequence[Shift]  # step 1 by seed
    readings: Sequence[DomainReading]  # step 2 by domain
    predictors: tuple[PredictorScores, ...]  # in the order asked for
    firings: Firings | None  # where the first seed's shifted features fire; None if nobody asked
    own: Mapping[int, OwnDemonstrations]  # by seed, where the model's own answers were demonstrated
    on_policy: Sequence[Shift]  # step 1 by seed with them, where it was also done by ground truth


def collect_scores(
    predictors: Sequence[Predictor],
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Domain],
    *,
    tune: TuneSettings,
    costs: CostMeter,
    chosen: Mapping[str, Mapping[int, Sequence[int]]] | None = None,
    neutral: Sequence[str] | None = None,
    verifier: Verifier | None = None,
    progress: Progress = silent,
) -> Collected:
    """Read what the predictors need, once, and score. All but STS read what the first seed draws.

    `chosen` holds by domain, then by seed, the positions of the questions to read, in the seed's order; if None, each
    seed draws within the budget. `neutral` are paragraphs of a neutral text, to which the firings of the first seed's
    features are compared; where it is None, nothing is noted of firings. `verifier` accepts the model's own answers,
    where the settings ask for such demonstrations.

    Raises:
        UserError: A right option is not given but needed, a set is too small, a question is too long, the model solves
            too few rows to demonstrate its own answers, or a predictor scores a domain that is none.
    """
    costs.models = [extractor.reader.model]
    with costs(Need.EMBEDDINGS.value):
        predictors = _possible(predictors, extractor)
    needs = {need for one in predictors for need in one.needs}
    seeds = extractor.settings.seeds
    moments: dict[str, ActivationMoments] = {}

    def listen_as(name: str) -> Listen | None:
        def listen(turns: Mapping[int, Turn]) -> list[ActivationMoments]:
            moments[name] = ActivationMoments(turns, name)
            return [moments[name]]

        return listen if Need.ACTIVATIONS in needs else None

    own: dict[int, OwnDemonstrations] = {}
    on_policy: list[Shift] = []
    if verifier is not None:
        with costs(Need.ON_POLICY.value):
            by_itself, own = with_own_answers(extractor, training_set, verifier, progress)
            if extractor.settings.demonstrations == "both":
                on_policy = [measure_shift(extractor, by_itself, seed, progress) for seed in seeds]
            else:
                training_set = by_itself
    with costs(STEP_1):
        shifts = [
            measure_shift(extractor, training_set, seed, progress, listen_as(_TRAINING) if seed == seeds[0] else None)
            for seed in seeds
        ]
    features = {shift.seed: shift.features for shift in shifts}
    other_way = {shift.seed: shift.both.other(extractor.settings) for shift in shifts}
    firings = None
    if neutral is not None:
        with costs(FEATURES):
            firings = read_firings(extractor, training_set, neutral, shifts[0], progress)
    with costs(STEP_2):
        budget, length = extractor.settings.domain_tokens, extractor.prompter.length
        chosen = chosen or {
            name: {seed: choose_questions(domain, seed, budget, length) for seed in seeds}
            for name, domain in domains.items()
        }
        counts = [len({position for taken in chosen[name].values() for position in taken}) for name in domains]
        readings = [
            read_domain(
                extractor,
                domain,
                features,
                chosen[name],
                listen_as(name),
                firings.listen(name) if firings else None,
                partial(_told_of_all, progress, sum(counts[:number]), sum(counts)),
                other_way,
                on_policy={shift.seed: shift.features for shift in on_policy},
            )
            for number, (name, domain) in enumerate(domains.items())
        ]
    scored = QuestionScores(
        {reading.domain: reading.questions for reading in readings},
        {reading.domain: reading.both.exclude for reading in readings},
    )
    by_own = OnPolicyScores({reading.domain: reading.on_policy for reading in readings})
    parts: list[object] = [shifts[0], scored, by_own, extractor.autoencoder]
    if Need.ACTIVATIONS in needs:
        means = {name: one.moments() for name, one in moments.items()}
        parts.append(Activations(means.pop(_TRAINING), means))
    questions = {
        name: [domain.questions[position] for position in chosen[name][seeds[0]]] for name, domain in domains.items()
    }
    sts = {*SCORES, *ROBUST.values()}
    with costs(OTHERS) if any(one.name not in sts for one in predictors) else nullcontext():
        parts += _read_others(
            needs, extractor, training_set, domains, questions, tune=tune, costs=costs, progress=progress
        )
        texts = Texts(
            training=training_set.examples,
            domains={name: [question.text for question in own] for name, own in questions.items()},
            solutions={name: [one.solution for one in domain.demonstrations] for name, domain in domains.items()},
        )
        study = Study(texts, parts, seeds[0])
        scores = []
        for done, one in enumerate(predictors):
            progress(SCORING, done, len(predictors))
            scores.append(_score(one, study, seeds, costs))
        progress(SCORING, len(predictors), len(predictors))
    return Collected(shifts, readings, tuple(scores), firings, own, on_policy)


def _told_of_all(progress: Progress, before: int, total: int, _stage: str, done: int, _of_one: int) -> None:
    """Progress in one domain as that of all, so that the time left is that of the whole step."""
    progress("step 2: questions of all domains", before + done, total)


def _read_others(
    needs: Container[Need],
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Domain],
    questions: Mapping[str, Sequence[Question]],
    *,
    tune: TuneSettings,
    costs: CostMeter,
    progress: Progress,
) -> list[object]:
    """The parts of the study that STS does without, each read once in a stage of its own, and only if it is needed."""
    settings = extractor.settings
    seed = settings.seeds[0]
    asked = {name: [question.text for question in own] for name, own in questions.items()}
    to_read = extractor, training_set, questions
    readers: Mapping[Need, Callable[[], object]] = {
        Need.EMBEDDINGS: lambda: read_embeddings(settings.embeddings, training_set.examples, asked, seed),
        Need.LAST_TOKENS: lambda: read_last_tokens(*to_read, seed, progress),
        Need.TRAINING_LOSSES: lambda: read_training_losses(extractor, training_set, seed, progress),
        Need.LOSSES: lambda: read_losses(*to_read, seed, progress),
        Need.REVERSED_LOSSES: lambda: read_reversed_losses(extractor, training_set, domains, seed, progress),
        Need.INJECTION: lambda: read_injection(*to_read, seed, progress),
        Need.OWN_ANSWERS: lambda: read_own_answers(*to_read, seed, progress),
        Need.GRADIENTS: lambda: read_gradients(*to_read, tune, seed, progress),
        Need.PROBE: lambda: read_probe(*to_read, tune, settings.probe_steps, seed, progress),
    }
    parts = []
    for need, read in readers.items():
        if need in needs:
            with costs(need.value):
                parts.append(read())
    return parts


def _possible(predictors: Sequence[Predictor], extractor: Extractor) -> Sequence[Predictor]:
    """The predictors whose sentence encoder is there. Where all are asked for, its missing package is a warning only.

    Raises:
        UserError: The sentence encoder cannot be loaded, and the user named it or its predictor.
    """
    settings = extractor.settings
    embedding = [one.name for one in predictors if Need.EMBEDDINGS in one.needs]
    if not embedding:
        return predictors
    try:
        load_encoder(settings.embeddings)
    except UserError as error:
        if "all" not in settings.predictors or settings.embeddings != SHIPPED:
            raise
        extractor.prompter.warnings[f"{', '.join(embedding)} left out: {error}"] = None
        return [one for one in predictors if one.name not in embedding]
    return predictors


def _score(one: Predictor, study: Study, seeds: Sequence[int], costs: CostMeter) -> PredictorScores:
    start = time.perf_counter()
    found = one(study)
    seconds = time.perf_counter() - start
    strange = set(found) - set(study.texts.domains)
    if strange:
        raise UserError(
            f"the predictor {one.name!r} scores {sorted(strange)[0]!r}, which is no domain here",
            "Let it return scores for the domains in study.texts.domains",
        )
    return PredictorScores(
        name=one.name,
        group=one.group,
        flags=tuple(one.flags),
        summary=one.summary,
        scores={name: own if isinstance(own, Score) else Score(value=float(own)) for name, own in found.items()},
        seeds=tuple(seeds) if {Need.QUESTION_SCORES, Need.ON_POLICY} & one.needs else (study.seed,),
        cost=costs.total({stage for need in one.needs for stage in STAGES[need]}).record(seconds),
    )
