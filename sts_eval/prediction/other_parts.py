"""The parts of a study that STS does without."""

from collections.abc import Callable, Container, Mapping, Sequence

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import TrainingSet
from sts_eval.experiment import TuneSettings
from sts_eval.predictors.predictor import Need
from sts_eval.progress import Progress
from sts_eval.study.cost import CostMeter
from sts_eval.study.embeddings import read_embeddings
from sts_eval.study.extractor import Extractor
from sts_eval.study.gradients import read_gradients
from sts_eval.study.injection import read_injection
from sts_eval.study.losses import read_losses
from sts_eval.study.own_answers import read_own_answers
from sts_eval.study.short_training import read_probe
from sts_eval.study.span_means import read_last_tokens
from sts_eval.study.training_losses import read_reversed_losses, read_training_losses


def read_others(
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
    """The parts that the predictors need, each read once in a stage of its own, and only if it is needed."""
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
