"""What a seed draws: the training set's demonstrations and questions, a domain's demonstrations and questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sts_eval.data.benchmark import Domain
from sts_eval.data.prompt import Demonstrations, Turn
from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.study.extractor import Extractor


@dataclass(frozen=True)
class TrainingDraw:
    """Demonstrations from the training set, and questions of its other rows."""

    rows: tuple[int, ...]  # row numbers of the demonstrations
    shown: Demonstrations
    turns: Mapping[int, Turn]  # questions by row number, in the order drawn


def draw_training_rows(extractor: Extractor, training_set: TrainingSet, seed: int) -> TrainingDraw:
    """Demonstrations and questions of the training set, questions up to the budget of tokens.

    Where the set has answers of the model's own for this seed, their rows are the demonstrations.

    Raises:
        UserError: The set has fewer rows than demonstrations + 1.
    """
    settings, prompter = extractor.settings, extractor.prompter
    examples, suffix = training_set.examples, training_set.suffix
    if len(examples) < settings.shots + 1:
        raise UserError(
            f"{training_set.source} has {len(examples)} rows, too few for {settings.shots} "
            "demonstrations and a question",
            "Give more rows, or fewer demonstrations with --shots",
        )
    order = shuffled(len(examples), seed, "training set")
    own = training_set.own_answers.get(seed, {})
    drawn = list(own) or order[: settings.shots]
    rest = [index for index in order if index not in drawn]
    chosen = within_budget(examples, rest, settings.shift_tokens, lambda example: prompter.length(example.question))
    demonstrations = [examples[index]._replace(solution=own.get(index, examples[index].solution)) for index in drawn]
    prompter.check_joint(demonstrations, examples[chosen[0]].question, suffix=suffix)
    turns = {index: prompter.turn(examples[index].question, suffix=suffix) for index in chosen}
    return TrainingDraw(tuple(drawn), prompter.demonstrations(demonstrations, suffix=suffix), turns)


def choose_questions(domain: Domain, seed: int, budget: int, length: Callable[[str], int]) -> list[int]:
    """Positions of the questions that a seed reads in a domain, in its order, up to a budget of tokens (`length`)."""
    order = shuffled(len(domain.questions), seed, "questions", domain.name)
    return within_budget(domain.questions, order, budget, lambda question: length(question.text))


def draw_demonstrations(extractor: Extractor, domain: Domain, seed: int) -> tuple[tuple[int, ...], Demonstrations]:
    """A domain's own demonstrations: their positions, and as a prefix. Where it has too few, that is a warning."""
    order = shuffled(len(domain.demonstrations), seed, "demonstrations", domain.name)
    positions = tuple(order[: extractor.settings.domain_shots])
    drawn = [domain.demonstrations[index] for index in positions]
    if len(drawn) < extractor.settings.domain_shots:
        extractor.prompter.warnings[f"{domain.name} has only {len(drawn)} demonstrations to show"] = None
    extractor.prompter.check_joint(drawn, domain.questions[0].text)
    return positions, extractor.prompter.demonstrations(drawn)
