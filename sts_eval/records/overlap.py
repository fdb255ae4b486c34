"""The record of how far the predicted dimensions are the ones that tuning really moved."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Record, is_empty


class OverlapAt(Record):
    """The N most shifted dimensions, predicted and actual."""

    n: int
    common: int = Field(description="dimensions in both")
    expected: float = Field(description="mean of the null: as many random dimensions of the same activity")
    null_sd: float
    p_value: float = Field(description="probability of as many or more under the null, exact")
    uniform: float = Field(description="mean with dimensions drawn from all alike: n²/d")
    share_actual: float = Field(description="part of the total change that the N most changed dimensions carry")
    share_predicted: float = Field(description="part of the total change that the N predicted dimensions carry")


class SpaceOverlap(Record):
    """Overlap among SAE features, or among the residual stream's own dimensions."""

    space: Literal["sae", "residual"]
    dims: int
    activity: Literal["firing frequency", "mean magnitude"] = Field(description="what the null is matched on")
    at: tuple[OverlapAt, ...]


class Overlap(Record):
    """Predicted against actually shifted dimensions, on the same questions, for one prediction and one tuning."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    seed: int = Field(description="of the demonstrations that made the prediction")
    tuning_seed: int
    n_questions: int
    n_tokens: int
    spaces: tuple[SpaceOverlap, ...]
    on_policy: tuple[SpaceOverlap, ...] = Field(
        default=(), description="the same with the model's own answers as demonstrations", exclude_if=is_empty
    )
