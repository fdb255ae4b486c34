"""What all parts of a description have in common."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Spec(BaseModel):
    """A part of a description: immutable, and strict about names so that a typo is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Named:
    """The name of a setting on the command line and in `--metadata`, where it is not the field's own name."""

    name: str  # an identifier: sae_release is `--sae-release` and `--metadata sae_release=`
    older: tuple[str, ...] = ()  # names that earlier versions used in `--metadata`; they still work


def is_false(value: object) -> bool:
    """For `exclude_if`: records from before a field was there keep their hashes."""
    return value is False


def is_none(value: object) -> bool:
    """Likewise."""
    return value is None


def _seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) != len(seeds):
        raise ValueError("a seed occurs twice, which would count one run as two")
    if seeds and not (min(seeds) >= 0 and max(seeds) <= LARGEST_SEED):
        raise ValueError(f"a seed is a whole number from 0 to {LARGEST_SEED}")
    return seeds


LARGEST_SEED = 2**32 - 1
"""What NumPy, PyTorch and transformers all take."""

Seeds = Annotated[tuple[int, ...], AfterValidator(_seeds)]
