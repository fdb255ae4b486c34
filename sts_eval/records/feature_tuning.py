"""Which features a selective tuning trained, beside its weights."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from sts_eval.experiment import SAESpec
from sts_eval.records.record import Part, Record

FACTS = "feature_tuning.json"  # beside the weights of a selective tuning, where peft has adapter_config.json


def is_feature_tuning(weights: str | Path) -> bool:
    """Whether a folder of weights is of a selective tuning."""
    return (Path(weights).expanduser() / FACTS).is_file()


class TunedLayer(Part):
    """The trained features of one place in the model."""

    hook_name: str
    sae: SAESpec
    sae_sha256: str = Field(description="of the SAE's weights")
    features: tuple[int, ...] = Field(description="in the order of the rows of W")


class FeatureTuning(Record):
    """What the weights beside this file belong to."""

    schema_version: Literal[1] = 1
    base_model_name_or_path: str = Field(description="the untuned model, as in peft's adapter_config.json")
    layers: tuple[TunedLayer, ...]
