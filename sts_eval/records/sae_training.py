"""The record of an SAE's training: what it read, and how well it describes held-out text."""

from typing import Literal

from pydantic import Field

from sts_eval.experiment import SAERecipe
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import Record


class SAETraining(Record):
    """One SAE, trained by `sts-eval sae train`."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    recipe: SAERecipe
    commit: str | None = Field(description="hub commit of the model, None for a folder")
    hook_name: str
    d_in: int
    d_sae: int
    texts: tuple[DataIdentity, ...] = Field(description="what was read")
    n_tokens: int = Field(description="tokens that it was trained on, each once a pass")
    n_long: int = Field(description="tokens left out because their activations are many times as long as the median")
    n_held_out: int = Field(description="held-out tokens, on which it was judged")
    fvu: float = Field(description="fraction of variance unexplained, on held-out tokens")
    l0: float = Field(description="features that fire on a token, on held-out tokens")
    dead: int = Field(description="features that did not fire in the last tenth of the training")
    weights_sha256: str = Field(description="of the weights' file")
    seconds: float
    device: str
    warnings: tuple[str, ...]
    versions: dict[str, str]
