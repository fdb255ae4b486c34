"""How the untuned model reads the training set itself: alone, and behind the demonstrations of a domain.

STS and `losses.py` show the training set to the domains. Behind a domain's demonstrations the direction is reversed:
what does the domain teach about the training set? The rows are the first that step 1 of STS draws, each read as a
question whose one option is its solution.
"""

from collections.abc import Mapping, Sequence

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.prompt import Demonstrations
from sts_eval.data.training_set import TrainingSet
from sts_eval.progress import Progress, silent
from sts_eval.study.draws import draw_demonstrations, draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import read_answering
from sts_eval.study.study import Answering, ReversedLosses, TrainingLosses

ROWS = 64  # most rows that are read
SOLUTION_TOKENS = 256  # of a solution that are read, from its start


def drawn_rows(extractor: Extractor, training_set: TrainingSet, seed: int, most: int) -> list[Question]:
    """The first rows that step 1 of STS draws, as questions with one option."""
    rows = list(draw_training_rows(extractor, training_set, seed).turns)[:most]
    return [
        Question(str(row), "", training_set.examples[row].question, (training_set.examples[row].solution,), 0)
        for row in rows
    ]


def read_training_losses(
    extractor: Extractor, training_set: TrainingSet, seed: int, progress: Progress = silent
) -> TrainingLosses:
    """Read rows of the training set without demonstrations.

    Raises:
        UserError: The set has too few rows, or a question exceeds the context.
    """
    rows, nothing = drawn_rows(extractor, training_set, seed, ROWS), extractor.prompter.demonstrations([])
    return TrainingLosses(_read(extractor, training_set, rows, nothing, "training set alone", progress))


def read_reversed_losses(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Domain],
    seed: int,
    progress: Progress = silent,
) -> ReversedLosses:
    """Read the same rows behind each domain's demonstrations, the seed's draw as in step 2 of STS.

    A domain without demonstrations is left out.

    Raises:
        UserError: As for `read_training_losses`.
    """
    rows = drawn_rows(extractor, training_set, seed, ROWS)
    shown = {}
    for name, domain in domains.items():
        if domain.demonstrations:
            _, demonstrations = draw_demonstrations(extractor, domain, seed)
            shown[name] = _read(extractor, training_set, rows, demonstrations, f"training set behind {name}", progress)
    return ReversedLosses(shown)


def _read(
    extractor: Extractor,
    training_set: TrainingSet,
    rows: Sequence[Question],
    demonstrations: Demonstrations,
    name: str,
    progress: Progress,
) -> Answering:
    found = read_answering(
        extractor,
        {name: rows},
        demonstrations,
        progress,
        stage="losses",
        suffix=training_set.suffix,
        most_tokens=SOLUTION_TOKENS,
    )
    return found[name]
