"""The settings of training an SAE."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sts_eval.experiment.sources import ModelSpec
from sts_eval.experiment.spec import Named, Spec


class TextSpec(Spec):
    """The text on whose activations an SAE is trained."""

    text: tuple[str, ...] = Field(
        (), description="text: hub ids, files (.txt, or rows with a column of text) or folders of files"
    )
    training_sets: Annotated[tuple[str, ...], Named("sft")] = Field(
        (), description="also read the questions and solutions of this training set"
    )
    benchmarks: Annotated[tuple[str, ...], Named("domains")] = Field(
        (), description="also read the questions of this benchmark"
    )
    column: Annotated[str | None, Named("text_column")] = Field(
        None, description="column of the text; by default found by name"
    )
    split: Annotated[str, Named("text_split")] = Field("train", description="split of a text on the hub")


_SUFFIXES = {"": 1, "k": 1_000, "M": 1_000_000, "B": 1_000_000_000}


def _count(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?[kMB]?", text):
        raise ValueError("write a number such as 200000, 500k or 2M")
    return text


def _width(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*x?", text):
        raise ValueError("write a number of features such as 4608, or a multiple of the model's width such as 8x")
    return text


class SAETrainSettings(Spec):
    """The dials of training an SAE."""

    layer: int | None = Field(None, ge=0, description="read after this block, counted from 0")
    hook: str | None = Field(None, description="where to read instead, as a hook name or module path")
    architecture: Literal["topk", "batchtopk", "standard", "jumprelu", "gated"] = Field(
        "topk", description="kind of SAE, by sae-lens's name"
    )
    width: Annotated[str, AfterValidator(_width)] = Field(
        "8x", description="number of features, or a multiple of the model's width such as 8x"
    )
    k: int = Field(32, ge=1, description="features that fire on a token, for topk and batchtopk")
    sparsity: float | None = Field(
        None, gt=0, description="weight of the sparsity loss, for standard, jumprelu and gated; by default sae-lens's"
    )
    tokens: Annotated[str, AfterValidator(_count)] = Field(
        "2M", description="tokens to read, such as 500k or 2M; fewer if the text has fewer"
    )
    epochs: int = Field(1, ge=1, description="passes over the activations")
    batch: int = Field(2048, ge=1, description="tokens in a training step")
    learning_rate: float = Field(4e-4, gt=0, description="rate of Adam; it falls to zero over the last third")
    context: int = Field(1024, ge=8, description="longest piece of text in tokens; longer texts are cut into pieces")
    held_out: float = Field(0.05, gt=0, lt=1, description="share of the texts that is held out to judge the SAE")
    seed: int = Field(0, ge=0, description="random seed of texts, batches and initial weights")

    @property
    def n_tokens(self) -> int:
        """Tokens to read."""
        number = self.tokens.rstrip("kMB")
        return int(float(number) * _SUFFIXES[self.tokens.removeprefix(number)])

    def d_sae(self, d_model: int) -> int:
        """Number of features for a model of this width."""
        return int(self.width.removesuffix("x")) * (d_model if self.width.endswith("x") else 1)


class SAERecipe(Spec):
    """The training of an SAE in full."""

    model: ModelSpec
    text: TextSpec = TextSpec()
    settings: SAETrainSettings = SAETrainSettings()
