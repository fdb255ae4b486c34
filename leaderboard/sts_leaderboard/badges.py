"""Where a run comes from, in a word, a shape and a colour (see `head.html`): told apart at a glance."""

from typing import NamedTuple

from sts_eval.records.submission import Origin


class Badge(NamedTuple):
    """How one origin is shown."""

    sign: str  # A shape before the word, for those who see no colours.
    meaning: str


BADGES: dict[Origin, Badge] = {
    "measured": Badge("●", "predicted first, then tuned and measured by this tool"),
    "imported": Badge("◆", "before and after were evaluated elsewhere, not by this tool"),
    "published": Badge("■", "figures of a paper, as printed; nothing can be recomputed"),
}

ORIGINS = tuple(BADGES)


def origin_of(word: str) -> Origin:
    """An origin by its word; the first for anything else."""
    return next((one for one in ORIGINS if one == word), ORIGINS[0])


def word(origin: str) -> str:
    """Sign and word, for a cell."""
    known = origin_of(origin)
    return f"{BADGES[known].sign} {known}"


def heading(origin: str, count: int, thing: str = "run") -> str:
    """The badge as HTML, made of words from this file and a number only."""
    known = origin_of(origin)
    return (
        f'<p class="origin"><span class="badge badge-{known}">{word(known)}</span> '
        f"{int(count):,} {thing}{'s' * (count != 1)} · {BADGES[known].meaning}</p>"
    )
