"""What a training row, a demonstration and a prompt have in common."""

from typing import NamedTuple


class Example(NamedTuple):
    """One worked example: a user turn and the assistant turn that answers it."""

    question: str
    solution: str
