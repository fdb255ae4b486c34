"""The registry: every table and figure of the paper that is known here, with its claim and the checks that decide it.

A check is a statement, a measure of it and a rule on its interval. A control is a comparison that the paper does not
make; it is shown, and has no part in the verdict. To add an entry, add it to
`SCORES` or `EXPERIMENTS`.
"""

import difflib

from sts_eval.errors import UserError
from sts_eval.reproduction.entry import Entry
from sts_eval.reproduction.experiments import EXPERIMENTS
from sts_eval.reproduction.scores import SCORES

ENTRIES: tuple[Entry, ...] = (*SCORES, *EXPERIMENTS)


def entry_named(name: str) -> Entry:
    """The entry with this id.

    Raises:
        UserError: There is none.
    """
    by_name = {known: entry for entry in ENTRIES for known in (entry.id, *entry.also)}
    wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
    if wanted not in by_name:
        near = difflib.get_close_matches(wanted, by_name, n=1)
        remedy = f"Did you mean {near[0]}? " if near else ""
        raise UserError(
            f"the paper's tables and figures have no {name!r}", f"{remedy}`sts-eval reproduce list` shows all"
        )
    return by_name[wanted]
