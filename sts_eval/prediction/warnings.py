"""What a reader of a prediction should know first: little data, a full context, whose answers were demonstrated."""

from collections.abc import Sequence

from sts_eval.data.training_set import TrainingSet
from sts_eval.prediction.collect import Collected
from sts_eval.prediction.outliers import agreement_warnings, carrier_warnings, sink_warnings
from sts_eval.records.prediction import DomainQuestions, SeedShift
from sts_eval.study.extractor import Extractor
from sts_eval.study.question_scores import DomainReading
from sts_eval.study.shifted_features import Shift


def warnings_of(
    extractor: Extractor,
    training_set: TrainingSet,
    found: Collected,
    shifts: Sequence[SeedShift],
    on_policy: Sequence[SeedShift],
    domains: Sequence[DomainQuestions],
) -> tuple[str, ...]:
    """One line for each thing, of what was read (`found`) and of the parts of the record that were made of it."""
    settings = extractor.settings
    return (
        *_small_set_warnings(found.shifts, len(training_set.examples), settings.shift_tokens),
        *_context_warnings(extractor, found.shifts, found.readings),
        *_own_answer_lines([*shifts, *on_policy], settings.demonstrations),
        *carrier_warnings(domains),
        *sink_warnings(shifts, domains, settings),
        *agreement_warnings(found.predictors, found.readings, settings),
    )


def _small_set_warnings(shifts: Sequence[Shift], n_rows: int, wanted: int) -> list[str]:
    """That all `n_rows` of the training set hold fewer question tokens than were asked for, if so."""
    fewest = min(shifts, key=lambda one: one.n_tokens)
    if fewest.n_tokens >= wanted or fewest.n_questions + len(fewest.demonstrations) < n_rows:
        return []
    return [
        f"the training set is small: all its {fewest.n_questions} questions that are not demonstrations have "
        f"{fewest.n_tokens:,} tokens, of {wanted:,} that were asked for, so its features are less certain"
    ]


def _context_warnings(extractor: Extractor, shifts: Sequence[Shift], readings: Sequence[DomainReading]) -> list[str]:
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
    return lines


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
