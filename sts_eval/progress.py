"""How long work tells whoever waits for it."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as questions are read."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody."""
