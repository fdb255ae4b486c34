"""Demonstrations on policy: the untuned model's own answers to training rows, kept where the reward accepts them.

Reinforcement learning strengthens such answers, not the training set's solutions. An answer is accepted where its
reward is above zero and at least that of the row's own solution. Rows are asked in the order in which the seed draws
demonstrations, so a model that solves all rows shows the same rows as by ground truth.
"""

from dataclasses import dataclass, replace

from sts_eval.data.reward import Verifier
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.generation import generated_answers
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor

ROWS = 64  # most rows that are asked
AT_ONCE = 16  # rows that are asked before it is looked whether enough are solved
TRIES = 4  # answers to a row, at temperature 1


@dataclass(frozen=True)
class OwnDemonstrations:
    """What the untuned model's answers to the training set gave, for one seed."""

    answers: dict[int, str]  # by row, as many as there are demonstrations
    sampled: int  # answers in all
    accepted: int  # of them


def with_own_answers(
    extractor: Extractor, training_set: TrainingSet, verifier: Verifier, progress: Progress = silent
) -> tuple[TrainingSet, dict[int, OwnDemonstrations]]:
    """The training set with demonstrations by the model itself, and how they were found, by seed.

    Raises:
        UserError: The model solves too few rows, or the reward fails.
    """
    found = {seed: _sample(extractor, training_set, verifier, seed, progress) for seed in extractor.settings.seeds}
    return replace(training_set, own_answers={seed: own.answers for seed, own in found.items()}), found


def _sample(
    extractor: Extractor, training_set: TrainingSet, verifier: Verifier, seed: int, progress: Progress
) -> OwnDemonstrations:
    settings, prompter = extractor.settings, extractor.prompter
    reward, rows = verifier
    order = shuffled(len(rows), seed, "training set")[:ROWS]
    answers: dict[int, str] = {}
    sampled = accepted = 0
    for start in range(0, len(order), AT_ONCE):
        asked = [rows[number] for number in order[start : start + AT_ONCE] for _ in range(TRIES)]
        turns = [prompter.turn(row.question, suffix=training_set.suffix) for row in asked]
        room = extractor.context - max(len(turn.ids) for turn in turns) - len(prompter.demonstrations([]).prefixes[0])
        generated = generated_answers(
            extractor.reader.model,
            prompter,
            turns,
            longest=max(1, min(settings.own_answer_tokens, room)),
            temperature=1.0,
            seed=seed + start,
            progress=progress,
            stage=f"the model answers the training set, seed {seed}",
        )
        texts = [one.text for one in generated]
        values = zip(asked, texts, reward(asked, texts), reward(asked, [row.solution for row in asked]), strict=True)
        for row, text, value, least in values:
            sampled += 1
            if text and value > 0 and value >= least:
                accepted += 1
                answers.setdefault(row.row, text)
        if len(answers) >= settings.shots:
            kept = [number for number in order if number in answers][: settings.shots]
            return OwnDemonstrations({number: answers[number] for number in kept}, sampled, accepted)
    solved = f"solves {len(answers)}" if answers else "solves none"
    raise UserError(
        f"the untuned model {solved} of {len(order)} rows of {training_set.source} ({accepted} of {sampled} sampled "
        f"answers are accepted), and {settings.shots} are needed to demonstrate its own answers",
        "Predict with --demonstrations ground_truth, or allow longer answers with --own-answer-tokens",
    )
