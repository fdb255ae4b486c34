r"""From questions to tokens whose spans are known.

A prompt is a *prefix* (demonstrations, or whatever a chat template opens with) and a *turn* (the
question that the model is to answer). Both contexts that STS compares hold the same turn:

    alone   <bos>                                                Question: How many ...?\nAnswer:
    shown   <bos>Question: x0\nAnswer: y0\n\nQuestion: x1 ...    Question: How many ...?\nAnswer:
            '------------------- prefix ----------------------'  '----------- turn -----------'

Prefix and turn are tokenised apart and joined, so a turn has the same ids in every context and its
tokens pair up by position. Within a turn the *span* is the question itself: neither the template
around it, nor a standing instruction, nor special tokens, whose activations (attention sinks) would
swamp every sum. Where the tokenizer would merge across the joint, the joint is kept and reported.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sts_eval.data.chat_template import (
    WITHOUT_TEMPLATE,
    check_whole,
    messages_of,
    opens_otherwise,
    rewords,
    stop_ids,
)
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError

# Stands for a message while the frame around it is found. A plain word, which no template strips.
_WORD = "MESSAGE"


class Turn(NamedTuple):
    """A tokenised question turn.

    Attributes:
        ids: Token ids of the turn, the same in every context.
        span: Positions within `ids` of the tokens to be read, usually the question's own.
        branches: Lengths of the last parts of `ids` that each go on from the rest and do not see each other, for
            instance the options of a question; usually none.
    """

    ids: tuple[int, ...]
    span: tuple[int, ...]
    branches: tuple[int, ...] = ()

    @property
    def stem(self) -> int:
        """Length of what stands before the branches."""
        return len(self.ids) - sum(self.branches)


@dataclass(frozen=True)
class Demonstrations:
    """A prefix that many turns share, and its shorter forms.

    Attributes:
        prefixes: Token ids of the prefix with 0, 1, ... m demonstrations; the ones that remain
            are the last, so that dropping is from the left.
    """

    prefixes: tuple[tuple[int, ...], ...]

    def fitting(self, turn: Turn, context: int) -> int:
        """The most demonstrations that leave room for the turn in the context, in tokens.

        Raises:
            UserError: The turn does not fit even with none.
        """
        room = context - len(turn.ids)
        for count in range(len(self.prefixes) - 1, -1, -1):
            if len(self.prefixes[count]) <= room:
                return count
        raise UserError(
            f"a question of {len(turn.ids)} tokens does not fit the model's context of {context}",
            "Leave it out, or give a larger --context if the model truly has one",
        )


class Prompter:
    """Renders and tokenises prompts for one tokenizer.

    Args:
        tokenizer: A fast Hugging Face tokenizer.
        chat_template: Whether to render chat turns; None means where the tokenizer has a template.

    Attributes:
        tokenizer: The tokenizer.
        chat: Whether prompts are chat turns.
        warnings: What the user should know about the prompts made so far, each line once, in order.

    Raises:
        UserError: The tokenizer is not a fast one, has no chat template though one is wanted, or
            has one that words the same turn differently from context to context.
    """

    def __init__(self, tokenizer: Any, *, chat_template: bool | None = None) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise UserError(
                f"the tokenizer {type(tokenizer).__name__} does not give the positions of its tokens in the text",
                "Use the model's fast tokenizer (tokenizer.json)",
            )
        if chat_template and not tokenizer.chat_template:
            raise UserError("the tokenizer has no chat template", "Drop --chat-template to use plain prompts")
        self.chat = bool(tokenizer.chat_template) if chat_template is None else chat_template
        self.warnings: dict[str, None] = {}
        self.tokenizer = tokenizer
        self._special = frozenset(tokenizer.all_special_ids)
        self._opening, self._closing = self._chat_frame() if self.chat else ("Question: ", "\nAnswer:")

    def sha256(self) -> str:
        """Hash of the tokenizer as its library writes it."""
        written: str = self.tokenizer.backend_tokenizer.to_str()
        return hashlib.sha256(written.encode()).hexdigest()

    def length(self, question: str) -> int:
        """Tokens in a question's text alone, which is what token budgets count."""
        return len(self._ids(question))

    def demonstrations(self, examples: Sequence[Example], *, suffix: str = "") -> Demonstrations:
        """Tokenise a prefix of worked examples, and its shorter forms.

        Raises:
            UserError: The chat template drops part of a solution.
        """
        shown = [self._prefix(examples[len(examples) - count :], suffix) for count in range(len(examples) + 1)]
        check_whole(examples, shown[-1])
        return Demonstrations(tuple(tuple(self._opening_ids(text)) for text in shown))

    def turn(self, question: str, *, suffix: str = "") -> Turn:
        """Tokenise the turn of a question.

        Raises:
            UserError: The chat template rewords this question, or nothing of it is left to read.
        """
        text = self._turn_text(question + suffix)
        if self.chat and not self._render([], question + suffix).endswith(text):
            raise rewords(question)
        start = len(self._opening)
        stop = start + len(question)
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        span = tuple(
            position
            for position, (token, (left, right)) in enumerate(
                zip(encoded.input_ids, encoded.offset_mapping, strict=True)
            )
            if start < right and left < stop and left < right and token not in self._special
        )
        if not span:
            raise UserError(f"the question {question[:40]!r} has no tokens", "Leave it out")
        return Turn(tuple(encoded.input_ids), span)

    def worked(self, example: Example, *, suffix: str = "") -> tuple[list[int], list[int]]:
        """Tokenise one worked example as it is trained on: what is asked, and the solution that follows.

        The text is that of a demonstration; the two parts are tokenised apart, so that the loss knows where
        the solution begins. In a chat the solution ends with the template's end of turn.

        Raises:
            UserError: The chat template does not open a finished conversation as it opens an answer, or drops part
                of the solution.
        """
        shown = self._with([example], suffix)
        if self.chat:
            asked, whole = (
                self._render([], shown[0].question),
                self._apply(messages_of(shown), answer_next=False),
            )
        else:
            asked, whole = self._turn_text(shown[0].question), self._prefix([example], suffix)
        if not whole.startswith(asked):
            raise opens_otherwise(example.question, asked, whole)
        check_whole([Example(shown[0].question, example.solution)], whole)
        solved = whole.removeprefix(asked)
        return self._opening_ids(asked), self._ids(solved)

    def end_of_answer_warnings(self) -> tuple[str, ...]:
        """A line where a model that is trained on chat turns does not learn to stop.

        What the template writes behind a solution is trained on. One of its tokens must be one at which generation
        stops: the tokenizer's EOS, or those of the model's generation_config.json. Plain prompts end with a blank line
        and stop where the evaluation cuts them.
        """
        if not self.chat:
            return ()
        stops = stop_ids(self.tokenizer)
        if stops & set(self._ids(self._after_answer)):
            return ()
        names = ", ".join(repr(self.tokenizer.decode([token])) for token in sorted(stops)) or "no token"
        end = repr(self._after_answer) if self._after_answer else "nothing"
        return (
            f"the chat template ends an answer with {end}, and generation stops at {names}: the tuned model does not "
            "learn to stop, so its answers may run on until they are cut",
        )

    def answer(self, text: str, *, closed: bool = True) -> list[int]:
        """Token ids of a short answer that follows a turn at once.

        Args:
            text: What it says.
            closed: Whether its end belongs to it: a line break, or in a chat the first token that the template
                writes behind a message (its end of turn). Without an end, "4" is at least as likely as "42".

        Raises:
            UserError: The chat template does not open a finished conversation as it opens an answer.
        """
        before, end = self._answer_frame
        if self.chat:
            return self._ids(before + text) + (end if closed else [])
        return self._ids(before + text + ("\n" if closed else ""))

    @cached_property
    def _answer_frame(self) -> tuple[str, list[int]]:
        """What stands between a turn and a solution, and in a chat the token that ends a solution."""
        if not self.chat:
            return " ", []
        before, _, after = self._finished.partition(_WORD)
        return before, self._ids(after)[:1]

    @cached_property
    def _finished(self) -> str:
        """What a finished conversation has behind the turn: the solution and what the template writes around it."""
        asked = self._render([], _WORD)
        whole = self._apply(messages_of([Example(_WORD, _WORD)]), answer_next=False)
        if not whole.startswith(asked):
            raise opens_otherwise(_WORD, asked, whole)
        return whole.removeprefix(asked)

    @property
    def _after_answer(self) -> str:
        return self._apply(messages_of([Example(_WORD, _WORD)]), answer_next=False).rpartition(_WORD)[2]

    def check_joint(self, examples: Sequence[Example], question: str, *, suffix: str = "") -> None:
        """Check on one prompt that prefix and turn, tokenised apart, are the prompt tokenised whole.

        Where they are not, a merge across the joint would have shifted the pairing; the joint
        stands, and `warnings` says so.
        """
        prefix = self._prefix(examples, suffix)
        turn = self._turn_text(question + suffix)
        if self.chat and self._render(self._with(examples, suffix), question + suffix) != prefix + turn:
            raise rewords(question)
        if self._opening_ids(prefix + turn) != self._opening_ids(prefix) + self._ids(turn):
            self.warnings[
                "the tokenizer merges text across the end of the demonstrations; the two sides were "
                "tokenised apart so that question tokens pair up"
            ] = None

    def _prefix(self, examples: Sequence[Example], suffix: str) -> str:
        shown = self._with(examples, suffix)
        if self.chat:
            return self._render(shown, _WORD).removesuffix(self._turn_text(_WORD))
        return "".join(f"{self._turn_text(question)} {solution}\n\n" for question, solution in shown)

    def _turn_text(self, asked: str) -> str:
        return self._opening + asked + self._closing

    def _chat_frame(self) -> tuple[str, str]:
        """What the template writes around a user message in every context.

        The opening is what two contexts have in common before the message. It is compared token by
        token: character by character, the tails of two different special tokens would look alike.
        """
        alone = self._render([], _WORD)
        shown = self._render([Example("asked", "solved")], _WORD)
        at, at_shown = alone.rfind(_WORD), shown.rfind(_WORD)
        closing = alone[at + len(_WORD) :]
        if at < 0 or closing != shown[at_shown + len(_WORD) :]:
            raise rewords(_WORD)
        before = alone[:at]
        one = self.tokenizer(before, add_special_tokens=False, return_offsets_mapping=True)
        other = self._ids(shown[:at_shown])
        same = 0
        for left, right in zip(reversed(one.input_ids), reversed(other), strict=False):
            if left != right:
                break
            same += 1
        start = one.offset_mapping[-same][0] if same else len(before)
        return before[start:], closing

    def _render(self, examples: Sequence[Example], question: str) -> str:
        return self._apply([*messages_of(examples), {"role": "user", "content": question}], answer_next=True)

    def _apply(self, messages: list[dict[str, str]], *, answer_next: bool) -> str:
        try:
            text: str = self.tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                add_generation_prompt=answer_next,
                date_string="26 Jul 2024",  # Llama 3 templates write today's date otherwise, and scores would drift
            )
        except Exception as error:  # a template is a program: it may raise anything
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"the chat template refuses a conversation of user and assistant turns: {reason!r}", WITHOUT_TEMPLATE
            ) from error
        return text

    @staticmethod
    def _with(examples: Sequence[Example], suffix: str) -> list[Example]:
        return [Example(question + suffix, solution) for question, solution in examples]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _opening_ids(self, text: str) -> list[int]:
        """Ids of a text that opens a sequence, with the BOS that this tokenizer adds, if any, once."""
        ids = self._ids(text)
        bos = self.tokenizer.bos_token_id
        adds_bos = bos is not None and bos in self.tokenizer("a").input_ids
        return [bos, *ids] if adds_bos and ids[:1] != [bos] else ids
