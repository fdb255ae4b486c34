"""How much a prediction reads in all, told beside the stage that goes on, so that the time left is that of all stages.

Stages are compared in tokens that go through the model, which are known before the first of them; how fast they go is
measured on the way. Predictors that read a model more than once count each time, and training counts three times, for
its backward passes.
"""

from collections.abc import Collection, Mapping, Sequence

from sts_eval.data.benchmark import Domain
from sts_eval.data.training_set import TrainingSet
from sts_eval.experiment import TuneSettings
from sts_eval.predictors.predictor import Need
from sts_eval.progress import Progress
from sts_eval.study import gradients, injection, own_answers, short_training, training_losses
from sts_eval.study.cost import CostMeter
from sts_eval.study.draws import draw_demonstrations, draw_training_rows
from sts_eval.study.extractor import Extractor

STEP_1, STEP_2 = "step 1", "step 2"
FEATURES = "features"  # the stage in which training set and neutral text are read for the features' meaning
BACKWARD = 3  # a forward and a backward pass, in forward passes


class Workload:
    """Progress of the stages, and of all of them together.

    `planned` are tokens by stage of the costs, which tell how many were read.
    """

    def __init__(self, progress: Progress, costs: CostMeter, planned: Mapping[str, float]) -> None:
        self._progress, self._costs, self._planned = progress, costs, planned
        many = len(planned) > 1
        self._name = f"all {len(planned)} stages, thousand tokens" if many else "the one stage, thousand tokens"

    def __call__(self, stage: str, done: int, total: int) -> None:
        """A step of a stage, as `Progress` says."""
        read = sum(tokens * self._costs.share(name, tokens) for name, tokens in self._planned.items())
        in_all = max(1, round(sum(self._planned.values()) / 1000))
        self._progress(self._name, min(in_all, round(read / 1000)), in_all)
        self._progress(stage, done, total)


def tokens_of_sts(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Domain],
    chosen: Mapping[str, Mapping[int, Sequence[int]]],
    neutral: Sequence[str] | None,
) -> dict[str, float]:
    """What is read for STS, by stage of the costs; the meaning of features only where a neutral text is given.

    `chosen` are the questions by domain, then by seed.

    Raises:
        UserError: The set has fewer rows than demonstrations + 1.
    """
    prompter, settings = extractor.prompter, extractor.settings
    step_1 = step_2 = meanings = 0.0
    for seed in settings.seeds:
        drawn = draw_training_rows(extractor, training_set, seed)
        step_1 += 2 * sum(len(turn.ids) for turn in drawn.turns.values()) + len(drawn.shown.prefixes[-1])
        if neutral is not None and not meanings:
            rows = sum(len(turn.ids) for turn in drawn.turns.values())
            texts = sum(len(prompter.turn(text).ids) for text in neutral)
            meanings = min(settings.domain_tokens, rows) + min(settings.domain_tokens, texts)
    for name, by_seed in chosen.items():
        lengths = question_tokens(extractor, domains[name], {at for taken in by_seed.values() for at in taken})
        step_2 += sum(lengths.values())
        for seed, taken in by_seed.items():
            shown = draw_demonstrations(extractor, domains[name], seed)[1]
            step_2 += sum(lengths[at] for at in taken) + len(shown.prefixes[-1])
    return {STEP_1: step_1, STEP_2: step_2} | ({FEATURES: meanings} if meanings else {})


def tokens_of_others(
    needs: Collection[Need],
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Domain],
    chosen: Mapping[str, Sequence[int]],
    tune: TuneSettings,
) -> dict[str, float]:
    """What other predictors read, by stage of the costs; options of questions and generated answers are left out.

    `chosen` are the questions of the first seed by domain.

    Raises:
        UserError: As for `tokens_of_sts`.
    """
    prompter, seed = extractor.prompter, extractor.settings.seeds[0]
    turns = draw_training_rows(extractor, training_set, seed).turns
    lengths = {name: list(question_tokens(extractor, domains[name], taken).values()) for name, taken in chosen.items()}

    def questions(most: int | None = None) -> float:
        """Tokens of the domains' questions, of each so many at most."""
        return sum(sum(own) / len(own) * min(len(own), most or len(own)) for own in lengths.values() if own)

    shown = list(turns.items())[: training_losses.ROWS]
    answered = [
        len(turn.ids) + min(prompter.length(training_set.examples[row].solution), training_losses.SOLUTION_TOKENS)
        for row, turn in shown
    ]
    row = sum(answered) / len(answered)
    steps = min(extractor.settings.probe_steps, short_training.full_steps(len(training_set.examples), tune))
    minibatches = min(len(training_set.examples), gradients.MINIBATCHES * min(tune.batch, gradients.MINIBATCH))
    by_need = {
        Need.LAST_TOKENS: sum(len(turn.ids) for turn in turns.values()) + questions(),
        Need.TRAINING_LOSSES: sum(answered),
        Need.LOSSES: 2 * questions(),
        Need.REVERSED_LOSSES: len(domains) * sum(answered),
        Need.INJECTION: row * min(len(answered), injection.ROWS) + questions(),
        Need.OWN_ANSWERS: 3 * row * min(len(answered), own_answers.ROWS) + questions(own_answers.QUESTIONS),
        Need.GRADIENTS: BACKWARD * (row * minibatches + questions(gradients.QUESTIONS)),
        Need.PROBE: BACKWARD * row * tune.batch * steps + 4 * questions(short_training.QUESTIONS),
    }
    return {need.value: tokens for need, tokens in by_need.items() if need in needs}


def question_tokens(extractor: Extractor, domain: Domain, positions: Collection[int]) -> dict[int, int]:
    """By position, the length of a question's turn in tokens."""
    return {at: len(extractor.prompter.turn(domain.questions[at].text).ids) for at in positions}
