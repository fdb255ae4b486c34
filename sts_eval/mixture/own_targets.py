"""Self-distillation: the targets of added rows are the untuned model's own answers (arXiv 2603.02908, section 5).

The model answers in batches without demonstrations. A row whose answer does not end within the limit, says nothing, or
finds no room in the model's context is dropped, and the next row of its domain is asked.
"""

from collections.abc import Collection, Sequence

from sts_eval.data.example import Example
from sts_eval.data.prompt import Prompter
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec
from sts_eval.mixture.pool import PoolRow
from sts_eval.model.generation import Answer, generated_answers
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.progress import Progress, silent
from sts_eval.records.mixture import SelfDistillation

FIRST = 64  # answers after which it is asked whether there is any point in going on
FEWEST = 0.05  # share of answers that must be of use


class OwnTargets:
    """The untuned model's answers to rows of a pool; each row is asked once, however many mixtures hold it.

    Args:
        spec: The untuned model, which is loaded when it is first asked.
        chat_template: As the prediction's settings say.
        answer_tokens: Longest answer.
        temperature: 0 for the likeliest token at each step.
        seed: Draws tokens where the temperature is not 0.
        progress: Told how many rows are answered.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        chat_template: bool | None = None,
        answer_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress = silent,
    ) -> None:
        self.spec, self.answer_tokens, self.temperature, self.seed = spec, answer_tokens, temperature, seed
        self._chat_template, self._progress = chat_template, progress
        self._answers: dict[int, Answer] = {}
        self._loaded: tuple[object, Prompter, int] | None = None

    def ask(self, rows: Sequence[PoolRow]) -> None:
        """Let the model answer those rows that it has not answered yet."""
        rows = [row for row in rows if row.number not in self._answers]
        if not rows:
            return
        model, prompter, context = self._load()
        turns = {row.number: prompter.turn(row.example.question) for row in rows}
        opening = len(prompter.demonstrations([]).prefixes[0])
        fitting = [n for n, turn in turns.items() if opening + len(turn.ids) + self.answer_tokens <= context]
        answers = generated_answers(
            model,
            prompter,
            [turns[number] for number in fitting],
            longest=self.answer_tokens,
            temperature=self.temperature,
            seed=self.seed,
            progress=self._progress,
            stage="the untuned model answers rows of the pool",
        )
        self._answers |= dict.fromkeys(turns, Answer("", ended=False)) | dict(zip(fitting, answers, strict=True))

    def usable(self, row: PoolRow) -> bool:
        """Whether the answer to a row that was asked can be trained on."""
        answer = self._answers[row.number]
        return answer.ended and bool(answer.text)

    def check(self) -> None:
        """Give up where it would take very many answers.

        Raises:
            UserError: Of the first answers hardly any can be trained on.
        """
        asked, good = len(self._answers), sum(answer.ended and bool(answer.text) for answer in self._answers.values())
        if asked >= FIRST and good < FEWEST * asked:
            raise UserError(
                f"{good} of the untuned model's first {asked} answers end within {self.answer_tokens} tokens",
                "Raise --answer-tokens, or leave out --self-distill",
            )

    def target(self, row: PoolRow) -> Example:
        """The row with the model's answer."""
        return Example(row.example.question, self._answers[row.number].text)

    def record(self, rows: Collection[PoolRow]) -> SelfDistillation:
        """What was asked for a mixture: `rows` are those that it holds or dropped."""
        answers = [self._answers[row.number] for row in rows]
        return SelfDistillation(
            model=self.spec.id,
            answer_tokens=self.answer_tokens,
            temperature=self.temperature,
            seed=self.seed,
            asked=len(answers),
            unfinished=sum(not answer.ended for answer in answers),
            empty=sum(answer.ended and not answer.text for answer in answers),
        )

    def _load(self) -> tuple[object, Prompter, int]:
        if self._loaded is None:
            model, tokenizer = load_model(self.spec), load_tokenizer(self.spec)
            context: int = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 4096
            self._loaded = model, Prompter(tokenizer, chat_template=self._chat_template), context
        return self._loaded
