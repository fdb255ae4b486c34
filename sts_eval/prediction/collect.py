"""From a loaded model and data to every wanted predictor's scores.

Steps 1 and 2 of STS are read once for all that need their passes; what other predictors need beyond is read once each.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

from sts_eval.data.benchmark import Domain
from sts_eval.data.prompt import Turn
from sts_eval.data.reward import Verifier
from sts_eval.data.training_set import TrainingSet
from sts_eval.experiment import TuneSettings
from sts_eval.prediction.other_parts import read_others
from sts_eval.prediction.score import possible, score_all
from sts_eval.prediction.workload import FEATURES, STEP_1, STEP_2, Workload, tokens_of_others, tokens_of_sts
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.progress import Progress, silent
from sts_eval.records.prediction import ROBUST, SCORES, PredictorScores
from sts_eval.study.activations import ActivationMoments
from sts_eval.study.cost import CostMeter
from sts_eval.study.draws import choose_questions
from sts_eval.study.extractor import Extractor
from sts_eval.study.firings import Firings, read_firings
from sts_eval.study.on_policy import OwnDemonstrations, with_own_answers
from sts_eval.study.question_scores import DomainReading, OnPolicyScores, QuestionScores, read_domain
from sts_eval.study.reading import Listen
from sts_eval.study.shifted_features import Shift, measure_shift
from sts_eval.study.study import Activations, Study, Texts

OTHERS = "other predictors"
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
        predictors = possible(predictors, extractor)
    needs = {need for one in predictors for need in one.needs}
    settings, seeds = extractor.settings, extractor.settings.seeds
    moments = _Moments(wanted=Need.ACTIVATIONS in needs)
    own: dict[int, OwnDemonstrations] = {}
    on_policy: list[Shift] = []
    if verifier is not None:
        with costs(Need.ON_POLICY.value):
            by_itself, own = with_own_answers(extractor, training_set, verifier, progress)
            if settings.demonstrations == "both":
                on_policy = [measure_shift(extractor, by_itself, seed, progress) for seed in seeds]
            else:
                training_set = by_itself
    chosen = chosen or {
        name: {
            seed: choose_questions(domain, seed, settings.domain_tokens, extractor.prompter.length) for seed in seeds
        }
        for name, domain in domains.items()
    }
    first = {name: by_seed[seeds[0]] for name, by_seed in chosen.items()}
    planned = tokens_of_sts(extractor, training_set, domains, chosen, neutral)
    progress = Workload(
        progress, costs, planned | tokens_of_others(needs, extractor, training_set, domains, first, tune)
    )
    with costs(STEP_1):
        shifts = [
            measure_shift(
                extractor, training_set, seed, progress, moments.listen_as(_TRAINING) if seed == seeds[0] else None
            )
            for seed in seeds
        ]
    firings = None
    if neutral is not None:
        with costs(FEATURES):
            firings = read_firings(extractor, training_set, neutral, shifts[0], progress)
    with costs(STEP_2):
        readings = _read_domains(extractor, domains, chosen, shifts, on_policy, moments, firings, progress)
    scored = QuestionScores(
        {reading.domain: reading.questions for reading in readings},
        {reading.domain: reading.both.exclude for reading in readings},
    )
    by_own = OnPolicyScores({reading.domain: reading.on_policy for reading in readings})
    parts: list[object] = [shifts[0], scored, by_own, extractor.autoencoder, *moments.activations()]
    questions = {name: [domain.questions[position] for position in first[name]] for name, domain in domains.items()}
    own_scores = {*SCORES, *ROBUST.values()}
    with costs(OTHERS) if any(one.name not in own_scores for one in predictors) else nullcontext():
        parts += read_others(
            needs, extractor, training_set, domains, questions, tune=tune, costs=costs, progress=progress
        )
        texts = Texts(
            training=training_set.examples,
            domains={name: [question.text for question in own] for name, own in questions.items()},
            solutions={name: [one.solution for one in domain.demonstrations] for name, domain in domains.items()},
        )
        scores = score_all(predictors, Study(texts, parts, seeds[0]), seeds, costs, progress)
    return Collected(shifts, readings, scores, firings, own, on_policy)


class _Moments:
    """The activations of the training set and of every domain, where a predictor wants them."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted, self._by_name = wanted, dict[str, ActivationMoments]()

    def listen_as(self, name: str) -> Listen | None:
        """What listens to one set of questions."""

        def listen(turns: Mapping[int, Turn]) -> list[ActivationMoments]:
            self._by_name[name] = ActivationMoments(turns, name)
            return [self._by_name[name]]

        return listen if self._wanted else None

    def activations(self) -> list[Activations]:
        """The part of the study; none where nobody wants it."""
        if not self._wanted:
            return []
        means = {name: one.moments() for name, one in self._by_name.items()}
        return [Activations(means.pop(_TRAINING), means)]


def _read_domains(
    extractor: Extractor,
    domains: Mapping[str, Domain],
    chosen: Mapping[str, Mapping[int, Sequence[int]]],
    shifts: Sequence[Shift],
    on_policy: Sequence[Shift],
    moments: _Moments,
    firings: Firings | None,
    progress: Progress,
) -> list[DomainReading]:
    """Step 2 in every domain."""
    counts = [len({position for taken in chosen[name].values() for position in taken}) for name in domains]
    return [
        read_domain(
            extractor,
            domain,
            {shift.seed: shift.features for shift in shifts},
            chosen[name],
            moments.listen_as(name),
            firings.listen(name) if firings else None,
            partial(_told_of_all, progress, sum(counts[:number]), sum(counts)),
            {shift.seed: shift.both.other(extractor.settings) for shift in shifts},
            on_policy={shift.seed: shift.features for shift in on_policy},
        )
        for number, (name, domain) in enumerate(domains.items())
    ]


def _told_of_all(progress: Progress, before: int, total: int, _stage: str, done: int, _of_one: int) -> None:
    """Progress in one domain as that of all, so that the time left is that of the whole step."""
    progress("step 2: questions of all domains", before + done, total)
