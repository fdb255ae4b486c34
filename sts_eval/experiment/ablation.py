"""The settings of setting features to zero."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sts_eval.experiment.spec import Named, Spec


def _positive(counts: tuple[int, ...]) -> tuple[int, ...]:
    if not counts or min(counts) < 1:
        raise ValueError("counts must be 1 or more; none at zero is always measured")
    return tuple(sorted(set(counts)))


class AblationSettings(Spec):
    """The dials of setting features to zero."""

    counts: Annotated[tuple[int, ...], AfterValidator(_positive), Named("count")] = Field(
        (10, 30, 100, 300, 1000), description="how many features to set to zero"
    )
    draws: int = Field(5, ge=1, description="draws of random and of matched random features")
    questions: int = Field(50, ge=2, description="questions per domain that are scored, of those not read before")
    rows: int = Field(64, ge=2, description="held-out rows of the training set whose answers are scored")
    seed: int = Field(0, ge=0, description="random seed of the questions and of random features")


class AblationPlan(Spec):
    """An ablation in full, beside the prediction that it is about."""

    ablation: AblationSettings = AblationSettings()
