"""Names from records, which may be any text, as parts of a path and as one line of text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from sts_eval.errors import UserError
from sts_eval.records.submission import NAME

UNKNOWN = "unknown"

_LONGEST = 120
"""Bytes of a path's part before it is cut and gets a hash; file systems allow 255."""

_KEPT = "._+=-"

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|data", re.IGNORECASE)
"""What Windows takes for a device, and what Every Eval Ever allows at the top of its tree alone."""

_PART = r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"(?!.*(\.\.|--)){_PART}/{_PART}")


def portable(text: str) -> str:
    """One part of a path that any file system takes: letters, digits and . _ + = -, never hidden, never empty.

    Args:
        text: Any text. Slashes are flattened like every other character that does not fit.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(one if one in _KEPT or unicodedata.category(one)[0] in "LMN" else "_" for one in composed)
    short = kept.strip(".")
    if len(short.encode()) > _LONGEST:
        short = f"{short.encode()[:_LONGEST].decode(errors='ignore')}-{_hash(text)}"
    return f"_{short}" if not short or _RESERVED.fullmatch(short) else short


def portable_each(texts: Sequence[str]) -> tuple[str, ...]:
    """Names that stay apart: those that would become the same, upper and lower case alike, get a hash behind them."""
    plain = [portable(text) for text in texts]
    count = Counter(name.casefold() for name in plain)
    return tuple(
        name if count[name.casefold()] == 1 else f"{name}-{_hash(text)}"
        for name, text in zip(plain, texts, strict=True)
    )


def one_line(text: str) -> str:
    """A text without control characters, line ends, or marks that turn the reading direction."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def checked_name(text: str, option: str) -> str:
    """A name that was given on the command line.

    Args:
        text: The name.
        option: How it was given.

    Raises:
        UserError: It is no name as hubs write it.
    """
    if not re.fullmatch(NAME, text):
        raise UserError(f"{option} {text!r} is no name", "Use letters, digits and . _ + : -, parted by slashes")
    return text


def checked_line(text: str, option: str) -> str:
    """Free text that was given on the command line.

    Args:
        text: The text.
        option: How it was given.

    Raises:
        UserError: It is empty or has characters that nobody can see.
    """
    if not text.strip() or not text.isprintable():
        raise UserError(f"{option} {text!r} is no line of text", "Leave control characters out")
    return text


def is_repository(text: str) -> bool:
    """Whether a text is OWNER/NAME as the hub allows it."""
    return _REPOSITORY.fullmatch(text) is not None


def checked_repository(text: str, option: str) -> str:
    """A repository's id.

    Args:
        text: The id.
        option: Where it comes from.

    Raises:
        UserError: It is not OWNER/NAME as the hub allows it.
    """
    if not is_repository(text):
        raise UserError(f"{option} {text!r} is no repository id", "Write it like OWNER/NAME")
    return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
