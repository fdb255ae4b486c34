"""The predictors that can be asked, and every one's scores from what was read."""

import time
from collections.abc import Collection, Mapping, Sequence

from sts_eval.errors import UserError
from sts_eval.prediction.workload import STEP_1, STEP_2
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.progress import Progress
from sts_eval.records.prediction import PredictorScores, Score
from sts_eval.study.cost import CostMeter
from sts_eval.study.embeddings import SHIPPED, load_encoder
from sts_eval.study.extractor import Extractor
from sts_eval.study.study import Study

SCORING = "scores by all predictors"  # what is told while they score what was read
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


def possible(predictors: Sequence[Predictor], extractor: Extractor) -> Sequence[Predictor]:
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


def score_all(
    predictors: Sequence[Predictor], study: Study, seeds: Sequence[int], costs: CostMeter, progress: Progress
) -> tuple[PredictorScores, ...]:
    """The scores of every predictor, in the order asked for.

    Raises:
        UserError: A predictor scores a domain that is none.
    """
    scores = []
    for done, one in enumerate(predictors):
        progress(SCORING, done, len(predictors))
        scores.append(_score(one, study, seeds, costs))
    progress(SCORING, len(predictors), len(predictors))
    return tuple(scores)


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
