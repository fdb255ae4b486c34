"""A user's mistake under the `lm_eval` command: one line and exit code 2, as under our own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sts_eval.errors import UserError


@contextmanager
def exits_like_a_command() -> Iterator[None]:
    """Turn a UserError into a line on stderr and exit code 2 where `lm_eval` is the running command.

    Called from Python, the exception itself is what a program can handle, so it passes.
    """
    try:
        yield
    except UserError as error:
        if not _is_command(sys.argv[0]):
            raise
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None


def _is_command(program: str) -> bool:
    path = Path(program)
    return path.stem in ("lm_eval", "lm-eval") or path.parts[-2:] == ("lm_eval", "__main__.py")
