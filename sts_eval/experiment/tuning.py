"""The settings of fine-tuning."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sts_eval.experiment.reward import REWARD_MEANING, Reward
from sts_eval.experiment.spec import Seeds, Spec, is_none

RATE = {"lora": 2e-4, "full": 1e-5, "grpo": 2e-5, "features": 1e-3}
"""Peak learning rates where none is set: as LoRA, full tuning and GRPO are commonly run; that of features is ours."""


def _once(layers: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(layers)) != len(layers):
        raise ValueError("a layer occurs twice")
    return layers


class GRPOSettings(Spec):
    """The dials of GRPO, which trains a LoRA adapter on sampled answers. Defaults are plain GRPO's (arXiv 2402.03300).

    The paper on STS gives none (section 6).
    """

    reward: Reward = Field("exact", description=f"what an answer is worth: {REWARD_MEANING}")
    num_generations: int = Field(
        8, ge=2, description="answers that are sampled to a question and compared with one another"
    )
    max_completion_tokens: int = Field(512, ge=1, description="longest answer in tokens; longer ones are cut")
    beta: float = Field(0.04, ge=0, description="weight in the loss of the divergence from the untuned model")
    temperature: float = Field(1.0, gt=0, description="temperature at which answers are sampled")
    loss_type: Literal["grpo", "dr_grpo", "bnpo", "dapo"] = Field(
        "grpo",
        description="how trl averages over tokens: grpo (within an answer, then over answers), or another of trl's "
        "names",
    )


class FeatureTuningSettings(Spec):
    """The dials of tuning by features (arXiv 2603.02908, table 11)."""

    layers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], AfterValidator(_once)] = Field(
        (), description="blocks after which features are tuned, counted from 0; by default the one where the SAE reads"
    )
    saes: tuple[str, ...] = Field((), description="SAEs of further layers: folders, or RELEASE:ID of sae-lens")
    top_n: int = Field(100, ge=1, description="features at each layer")
    choose: Literal["predicted", "most_active", "random", "matched"] = Field(
        "predicted", description="which features to tune: predicted, or as many others as a control"
    )


class TuneSettings(Spec):
    """The dials of fine-tuning. Defaults are the paper's where LoRA allows (arXiv 2603.02908, section 4)."""

    method: Literal["lora", "full", "grpo", "features"] = Field(
        "lora",
        description="lora (an adapter), full (all weights), grpo (a LoRA adapter, by reinforcement learning on "
        "sampled answers), or features (a linear map from chosen SAE features; selective tuning)",
    )
    grpo: GRPOSettings | None = Field(
        None,
        exclude_if=is_none,  # so that records of other methods keep their hashes
        description="settings of the method grpo (docs/reinforcement.md); all at their defaults if none are given",
    )
    epochs: float = Field(10, gt=0, description="passes over the training set")
    max_steps: int | None = Field(
        None, ge=1, description="stop after this many optimiser steps; by default after the epochs"
    )
    max_rows: int | None = Field(
        None, ge=1, description="train on a random sample of this many rows, drawn by seed; by default on all"
    )
    held_out: int = Field(64, ge=1, description="rows held out to check whether training changed the loss")
    batch: int = Field(
        256, ge=1, description="rows per optimiser step, over all devices; sampled answers with the method grpo"
    )
    per_device_batch: int = Field(8, ge=1, description="rows at once per device; halved where memory runs out")
    learning_rate: float | None = Field(
        None, gt=0, description="peak rate; by default 2e-4 for lora, 1e-5 for full, 2e-5 for grpo, 1e-3 for features"
    )
    warmup: float = Field(
        0.1, ge=0, lt=1, description="share of the steps in which the rate rises; then it falls along a cosine"
    )
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's first beta")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW's second beta")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay")
    clip: float = Field(1.0, gt=0, description="largest gradient norm; larger gradients are scaled down to it")
    max_tokens: int = Field(8192, ge=8, description="longest row in tokens; longer rows lose tokens on the left")
    rank: int = Field(16, ge=1, description="rank of the adapter")
    alpha: int = Field(32, ge=1, description="scale of the adapter; its output is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout of the adapter")
    targets: str | tuple[str, ...] = Field(
        "all-linear", description="modules to adapt: all-linear, or names as peft takes them"
    )
    bf16: bool | None = Field(
        None,
        description="train in bfloat16 autocast; by default if the GPU supports it, or the weights are bfloat16 and "
        "the processor has instructions for it",
    )
    gradient_checkpointing: bool | None = Field(
        None, description="recompute activations to save memory; by default on a GPU"
    )
    chat_template: bool | None = Field(
        None, description="render rows as chat turns; by default if the tokenizer has a template"
    )
    seeds: Seeds = Field(
        (0, 1, 2),
        min_length=1,
        description="random seeds, one fine-tuning each; a seed draws rows, their order and the adapter's start",
    )
    features: FeatureTuningSettings | None = Field(
        None,
        exclude_if=is_none,  # so that records from before it was there keep their hashes
        description="settings of the method features (layers, saes of further layers, top_n, and choose, which is "
        "predicted, most_active, random or matched); by default the 100 predicted features where the SAE reads",
    )
    allow_overlap: bool = Field(False, description="train even if rows contain benchmark questions")
    report_to: tuple[str, ...] = Field(
        (),
        description="where training logs go, by the Trainer's names: wandb, trackio, tensorboard; by default nowhere",
    )

    @model_validator(mode="after")
    def _dials_of_the_method(self) -> Self:
        """The method grpo has its dials written down, and no method has those of another."""
        if self.method == "grpo" and self.grpo is None:
            object.__setattr__(self, "grpo", GRPOSettings())  # frozen for everybody else
        if self.method != "grpo" and self.grpo is not None:
            raise ValueError("grpo has dials, but the method is another; set method: grpo")
        if self.method != "features" and self.features is not None:
            raise ValueError("features has dials, but the method is another; set method: features")
        return self

    @property
    def adapts(self) -> bool:
        """Whether it trains a LoRA adapter."""
        return self.method in ("lora", "grpo")
