"""Conversations as worked examples.

The last assistant turn is the solution. Everything before it is the question:

    one user turn                      its text
    a system text and one user turn    both, with a blank line between them
    several turns                      the same, each turn but the system text after its role: "User: ...",
                                       "Assistant: ...", "Tool get_weather: ..."

Calls of tools are part of an assistant turn, one a line: `get_weather({"city": "Rome"})`. A turn that holds its
reasoning apart gets it in front, between <think> and </think>. Turns after the last assistant turn are left out.
"""

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple, TypeGuard

from sts_eval.data.example import Example
from sts_eval.data.text import UnreadableRowError, checked, is_missing, text_of

Message = Mapping[str, Any]

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}

_EXCHANGES = (
    ("input", "output"),  # Capybara
    ("human", "assistant"),  # Firefly
    ("user", "assistant"),
)

_REASONING = ("reasoning_content", "reasoning", "thinking")


class Turn(NamedTuple):
    """One turn of a conversation.

    Attributes:
        role: system, user, assistant or tool.
        text: What is said, calls of tools included; may be empty.
        name: The tool that speaks, where it is named.
        trained: Whether the turn may be the solution: OpenAI's `weight: 0` and Axolotl's `train: false` say no.
    """

    role: str
    text: str
    name: str = ""
    trained: bool = True


class Conversation(NamedTuple):
    """A conversation as an example, and what was made of its turns.

    Attributes:
        example: Question and solution.
        read: The turns that the example holds.
        left_out: How many turns after the last assistant turn were left out.
    """

    example: Example
    read: tuple[Turn, ...]
    left_out: int

    @property
    def joined(self) -> bool:
        """Whether the question holds more than one user turn."""
        return len(self.read) > 2 or any(turn.role != "user" for turn in self.read[:-1])  # noqa: PLR2004 -- one question and its answer


def is_messages(value: object) -> TypeGuard[Sequence[Message]]:
    """Whether a cell is a list of messages: objects with role and content, or from and value."""
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(part, dict) for part in value)


def messages_of(value: object) -> object:
    """A cell as a list of messages where it holds them in another form; any other cell as it is.

    JSON text or what Python prints, as in a CSV file, and an object of lists ({"role": [...], "content": [...]}), as
    some readers of parquet give them, are such forms.
    """
    if isinstance(value, dict) and all(isinstance(part, list) for part in value.values()):
        found = [dict(zip(value, parts, strict=True)) for parts in zip(*value.values(), strict=False)]
        return found if is_messages(found) else value
    if isinstance(value, str) and value.lstrip()[:2] in {"[{", "[\n", "[ "}:
        try:
            found = json.loads(value)
        except ValueError:
            try:
                found = ast.literal_eval(value)  # as Python writes a list, in a CSV file that pandas wrote
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return value
        return found if is_messages(found) else value
    return value


def conversation_of(value: object) -> object:
    """A cell of a field that holds conversations; LIMA has the bare texts of user and assistant in turn."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(part, str) for part in value):
        return [{"role": role, "content": text} for role, text in zip(cycle(("user", "assistant")), value)]
    return messages_of(value)


def turns_of(messages: Sequence[Message], field: str) -> list[Turn]:
    """Messages as turns.

    Args:
        messages: With role and content (OpenAI, trl), from and value (ShareGPT), or both sides of an exchange in one
            (`_EXCHANGES`).
        field: The field that holds them, for messages of errors.

    Raises:
        UnreadableRowError: A message has no role, one that is not known, or a content that is not text.
    """
    if any("from" in message for message in messages):
        from trl.data_utils import maybe_convert_to_chatml

        messages = maybe_convert_to_chatml({"messages": [dict(message) for message in messages]})["messages"]
    return [_turn(single, field) for message in messages for single in _singles(message)]


def _singles(message: Message) -> Sequence[Message]:
    """A message, or the two of an exchange."""
    for asked, answered in _EXCHANGES:
        if "role" not in message and asked in message and answered in message:
            return [
                {"role": "user", "content": message[asked]},
                {"role": "assistant", "content": message[answered]},
            ]
    return [message]


def _turn(message: Message, field: str) -> Turn:
    told = message.get("role")
    if told is None:
        raise UnreadableRowError(
            f"has a message with the fields {', '.join(map(repr, message))} in field {field!r}, not role and content"
        )
    role = _ROLES.get(str(told).strip().lower())
    if role is None:
        raise UnreadableRowError(f"has a message of the unknown role {told!r} in field {field!r}")
    parts = [_content(message.get("content"), field), *_calls(message)]
    reasoning = next((message[name] for name in _REASONING if not is_missing(message.get(name))), None)
    if reasoning is not None:
        parts.insert(0, f"<think>\n{text_of(reasoning, field)}\n</think>\n")
    text = "\n".join(part for part in parts if part)
    trained = message.get("weight") != 0 and message.get("train") is not False
    return Turn(role, text, str(message.get("name") or "") if role == "tool" else "", trained)


def _content(value: object, field: str) -> str:
    """The text of a message; a list of parts is joined, and a part that is not text is refused."""
    if is_missing(value):
        return ""
    if not isinstance(value, list):
        return text_of(value, field)
    texts = []
    for part in value:
        if isinstance(part, dict):
            kind = part.get("type", "text")
            if is_missing(part.get("text")):
                raise UnreadableRowError(f"has a part of the type {kind!r} in field {field!r}, not text")
            texts.append(text_of(part["text"], field))
        else:
            texts.append(text_of(part, field))
    return "\n".join(texts)


def _calls(message: Message) -> Iterable[str]:
    calls = list(message.get("tool_calls") or ())
    if message.get("function_call"):
        calls.append(message["function_call"])
    for call in calls:
        function = call.get("function") or call if isinstance(call, dict) else {"name": str(call)}
        arguments = function.get("arguments")
        told = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
        yield f"{function.get('name')}({told})"


def conversation(turns: Sequence[Turn]) -> Conversation:
    """A conversation as an example; see the module for the form.

    Raises:
        UnreadableRowError: It has no assistant turn with text, or nothing before it.
    """
    answers = [at for at, turn in enumerate(turns) if turn.role == "assistant" and turn.trained]
    if not answers:
        raise UnreadableRowError("has no assistant turn to learn from")
    last = answers[-1]
    before = [turn for turn in turns[:last] if turn.text]
    if not turns[last].text:
        raise UnreadableRowError("has no text in its last assistant turn")
    if not before:
        raise UnreadableRowError("has nothing before its last assistant turn")
    question, solution = (checked(text, "messages") for text in (_question(before), turns[last].text))
    return Conversation(Example(question, solution), (*before, turns[last]), len(turns) - last - 1)


def _question(turns: Sequence[Turn]) -> str:
    spoken = [turn for turn in turns if turn.role != "system"]
    if len(spoken) <= 1 and all(turn.role == "user" for turn in spoken):
        return "\n\n".join(turn.text for turn in turns)
    return "\n\n".join(
        turn.text if turn.role == "system" else f"{' '.join([turn.role.capitalize(), turn.name]).strip()}: {turn.text}"
        for turn in turns
    )
