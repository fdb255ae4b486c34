"""Names from records, which may be any text, as parts of a path and as one line of text."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from sts_eval.errors import UserError
from sts_eval.records.submission import NAME

UNKNOWN = "unknown"

_LONGEST = 120  # bytes of a path's part before it is cut and gets a hash; file systems allow 255
_KEPT = "._+=-"

# What Windows takes for a device, and what Every Eval Ever allows at the top of its tree alone.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|data", re.IGNORECASE)

_PART = r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"(?!.*(\.\.|--)){_PART}/{_PART}")
"""`huggingface_hub.utils.validate_repo_id` also takes ids without an owner and with letters of any script."""

Kind = Literal["name", "repository", "line"]

_KINDS: dict[Kind, tuple[Callable[[str], object], str, str]] = {
    "name": (re.compile(NAME).fullmatch, "name", "Use letters, digits and . _ + : -, parted by slashes"),
    "repository": (_REPOSITORY.fullmatch, "repository id", "Write it like OWNER/NAME"),
    "line": (lambda text: text.strip() and text.isprintable(), "line of text", "Leave control characters out"),
}
"""Whether a text is of a kind, what the kind is called, and what to do about a text that is not."""


def portable(text: str) -> str:
    """One part of a path that any file system takes: letters, digits and . _ + = -, never hidden, never empty.

    Slashes are flattened like every other character that does not fit.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(one if one in _KEPT or unicodedata.category(one)[0] in "LMN" else "_" for one in composed)
    short = kept.strip(".")
    if len(short.encode()) > _LONGEST:
        short = f"{short.encode()[:_LONGEST].decode(errors='ignore')}-{_hash(text)}"
    return f"_{short}" if not short or _RESERVED.fullmatch(short) else short


def result_names(whole: str, joint: str, domains: Sequence[str]) -> dict[str | None, str]:
    """Names of results by domain: `whole` under None for all questions, and `whole`, `joint` and the domain for each.

    Domains that would become the same as a part of a path, upper and lower case alike, get a hash behind them.
    """
    parts = {domain: portable(domain) for domain in domains}
    count = Counter(part.casefold() for part in parts.values())
    names: dict[str | None, str] = {None: whole}
    for domain, part in parts.items():
        unique = part if count[part.casefold()] == 1 else f"{part}-{_hash(domain)}"
        names[domain] = f"{whole}{joint}{unique}"
    return names


def one_line(text: str) -> str:
    """A text without control characters, line ends, or marks that turn the reading direction."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def is_repository(text: str) -> bool:
    """Whether a text is OWNER/NAME as the hub allows it."""
    return _REPOSITORY.fullmatch(text) is not None


def checked(text: str | None, option: str, kind: Kind) -> str | None:
    """The text of a command line's option, None where it was not given.

    It is a name or an OWNER/NAME as hubs write them, or a line that is not empty and has no unprintable character.

    Raises:
        UserError: It is not of that kind.
    """
    if not text:
        return None
    fits, noun, remedy = _KINDS[kind]
    if not fits(text):
        raise UserError(f"{option} {text!r} is no {noun}", remedy)
    return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
