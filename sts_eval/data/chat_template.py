"""Chat templates: conversations as messages, and what a template may not do to a prompt."""

from collections.abc import Sequence
from typing import Any

from sts_eval.data.training_set import Example
from sts_eval.errors import UserError

WITHOUT_TEMPLATE = "Pass --no-chat-template (in lm_eval: leave out --apply_chat_template)"


def messages_of(examples: Sequence[Example]) -> list[dict[str, str]]:
    """Worked examples as the messages of a conversation."""
    turns = [(("user", asked), ("assistant", solution)) for asked, solution in examples]
    return [{"role": role, "content": content} for pair in turns for role, content in pair]


def rewords(question: str) -> UserError:
    """The error for a template that words a turn differently in different contexts."""
    return UserError(
        f"the chat template words the question {question[:40]!r} differently in different contexts, so its "
        "tokens cannot be paired",
        WITHOUT_TEMPLATE,
    )


def opens_otherwise(question: str, asked: str, whole: str) -> UserError:
    """The error for a template whose finished conversation does not begin with what was asked."""
    pairs = enumerate(zip(asked, whole, strict=False))
    same = next((at for at, (left, right) in pairs if left != right), min(len(asked), len(whole)))
    if same < asked.rfind(question) + len(question):
        return rewords(question)
    return UserError(
        f"the chat template begins an answer with {asked[same:][:60]!r} where the model is asked, and with "
        f"{whole[same:][:60]!r} in a finished conversation, so the tuned model would not be asked as it was trained",
        WITHOUT_TEMPLATE,
    )


def check_whole(examples: Sequence[Example], rendered: str) -> None:
    """Refuse a text that lacks part of a solution; spaces and line breaks may differ.

    Raises:
        UserError: A solution is not in the text behind its question and before those that follow.
    """
    text, at = _squeezed(rendered), 0
    for question, solution in examples:
        asked = text.find(_squeezed(question), at)
        at = asked + len(_squeezed(question)) if asked >= 0 else at
        found = text.find(_squeezed(solution), at)
        if found < 0:
            raise UserError(
                f"the chat template drops part of a solution, for instance of {solution[:60]!r}, as some templates do "
                "with what comes before </think>",
                WITHOUT_TEMPLATE,
            )
        at = found + len(_squeezed(solution))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def stop_ids(tokenizer: Any) -> set[int]:
    """Tokens at which generation stops, by the tokenizer and by the generation settings saved beside it."""
    from transformers import GenerationConfig

    stops = {tokenizer.eos_token_id}
    try:
        told = GenerationConfig.from_pretrained(tokenizer.name_or_path).eos_token_id if tokenizer.name_or_path else None
    except (OSError, ValueError):  # no such file
        told = None
    stops.update(told if isinstance(told, list) else [told])
    return stops - {None}
