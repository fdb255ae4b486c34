"""The predictors that there are: this package's own, in the order of the table, and those of other packages."""

import importlib.metadata
from collections.abc import Sequence

from sts_eval.errors import UserError
from sts_eval.predictors import (
    embedding,
    gradient,
    labels,
    lexical,
    loss,
    magnitude,
    probe,
    profile,
    representation,
    steering,
    sts,
    sts_sizes,
    training,
)
from sts_eval.predictors.predictor import Predictor

# This package's own, in the order in which the modules define them.
PREDICTORS: tuple[Predictor, ...] = (
    *(
        value
        for module in (
            *(sts, lexical, embedding, magnitude, representation, profile),
            *(loss, training, steering, gradient, probe, labels),
        )
        for value in vars(module).values()
        if isinstance(value, Predictor)
    ),
    *sts_sizes.PREDICTORS,
)
ENTRY_POINTS = "sts_eval.predictors"  # group of the entry points with which other packages add predictors


def known_predictors() -> dict[str, Predictor]:
    """All predictors by name: this package's own, then those that other packages add.

    Raises:
        UserError: A package's predictor cannot be loaded, is none, or takes another's name.
    """
    known = {one.name: one for one in PREDICTORS}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        remedy = f"Mend or uninstall the package behind {entry.value}"
        try:
            added = entry.load()
        except Exception as error:  # whatever goes wrong in somebody else's module
            raise UserError(f"the predictor {entry.name!r} cannot be loaded ({error})", remedy) from error
        if not isinstance(added, Predictor):
            raise UserError(f"the entry point {entry.name!r} is not a predictor", remedy)
        if added.name in known:
            raise UserError(f"two predictors are called {added.name!r}", remedy)
        known[added.name] = added
    return known


def select(wanted: Sequence[str]) -> tuple[Predictor, ...]:
    """Predictors by their names, by the names of their groups, or `all`; each once, in the order of the table.

    Raises:
        UserError: There is no predictor or group of a wanted name.
    """
    known = known_predictors()
    chosen: set[str] = set()
    for name in wanted:
        found = {one.name for one in known.values() if name in (one.name, one.group, "all")}
        if not found:
            groups = sorted({one.group for one in known.values()})
            raise UserError(
                f"there is no predictor or group {name!r}",
                f"Give all, a group ({', '.join(groups)}), or a name from `sts-eval list predictors`",
            )
        chosen |= found
    return tuple(one for name, one in known.items() if name in chosen)
