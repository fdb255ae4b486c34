"""The description of a run: what to read, and the dials of the method with the paper's values.

Everything downstream takes these models and nothing else, so that a command line, a YAML file and
`lm_eval --metadata` describe a run in the same words, and so that the description can be hashed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Spec(BaseModel):
    """A part of a description: immutable, and strict about names so that a typo is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _all_different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) != len(seeds):
        raise ValueError("a seed occurs twice, which would count one run as two")
    return seeds


class ModelSpec(Spec):
    """The untuned causal language model."""

    id: str = Field(description="hub id, or a folder in the Hugging Face format")
    revision: str | None = Field(default=None, description="branch, tag or commit on the hub")
    dtype: str = Field(default="auto", description="auto (as saved), float32, bfloat16 or float16")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, mps, or a device_map such as balanced")
    adapter: str | None = Field(default=None, description="a peft adapter to attach: hub id or folder")
    trust_remote_code: bool = Field(default=False, description="run code that the model's repository ships")


class SAESpec(Spec):
    """The sparse autoencoder: a sae-lens release and id, or a folder."""

    release: str | None = Field(default=None, description="sae-lens release, or a hub repository in its format")
    id: str | None = Field(default=None, description="id within the release")
    path: str | None = Field(default=None, description="a folder that sae-lens wrote, or Gemma Scope's params.npz")
    hook: str | None = Field(
        default=None, description="where to read, if not where the SAE says: hook name or module path"
    )
    layer: int | None = Field(default=None, description="read after this block, if not where the SAE says")
    allow_pickle: bool = Field(default=False, description="load weights that are stored as a pickle")


class TrainingSetSpec(Spec):
    """The set that the model would be tuned on."""

    source: str = Field(description="hub id, or a .jsonl, .json, .parquet or .csv file")
    revision: str | None = Field(default=None, description="branch, tag or commit on the hub")
    split: str = Field(default="train", description="split of a hub dataset")
    question_field: str | None = Field(default=None, description="column of the question; found by name if absent")
    solution_field: str | None = Field(default=None, description="column of the solution; found by name if absent")
    suffix: str | None = Field(default=None, description="standing instruction behind each question")


class BenchmarkSpec(Spec):
    """The downstream domains: MMLU-Pro, or anything in its schema."""

    source: str = Field(
        default="mmlu_pro", description="mmlu_pro, another hub id, or a folder of test.* and validation.*"
    )
    revision: str | None = Field(default=None, description="branch, tag or commit on the hub")
    domains: tuple[str, ...] = Field(default=(), description="categories to score; all if empty")


class PredictSettings(Spec):
    """The dials of STS. Defaults are the paper's (arXiv 2603.02908, sections 3 and 4)."""

    top_n: int = Field(default=100, ge=1, description="N, the number of shifted dimensions")
    shots: int = Field(default=2, ge=1, description="demonstrations from the training set in step 1")
    domain_shots: int = Field(default=5, ge=1, description="a domain's own demonstrations in STS_ICL")
    shift_tokens: int = Field(default=20_000, ge=1, description="question tokens compared in step 1")
    domain_tokens: int = Field(default=10_000, ge=1, description="question tokens per domain in step 2")
    estimator: Literal["paired", "notebook"] = Field(
        default="paired", description="compare each token with itself, or two unaligned samples"
    )
    seeds: tuple[int, ...] = Field(
        default=(0,), min_length=1, description="each draws its own demonstrations and questions"
    )
    predictors: tuple[str, ...] = Field(
        default=(), description="predictors beside STS: all, groups, or names from `sts-eval predictors`"
    )
    probe_steps: int = Field(default=40, ge=4, description="optimiser steps of the predictors that train briefly")
    chat_template: bool | None = Field(
        default=None,
        description="render prompts as chat turns; by default where the tokenizer has a template",
    )
    context: int | None = Field(default=None, ge=8, description="longest prompt in tokens; the model's own if absent")
    batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="question tokens per forward pass, fewer by default on a CPU; never changes a result",
    )
    batch_questions: int = Field(default=64, ge=1, description="questions per forward pass; never changes a result")

    _seeds_differ = field_validator("seeds")(_all_different)


RATE = {"lora": 2e-4, "full": 1e-5}
"""Peak learning rates where none is set: what LoRA and full fine-tuning are commonly run with."""


class TuneSettings(Spec):
    """The dials of fine-tuning. Defaults are the paper's where LoRA allows (arXiv 2603.02908, section 4)."""

    method: Literal["lora", "full"] = Field(default="lora", description="train a LoRA adapter, or all weights")
    epochs: float = Field(default=10, gt=0, description="passes over the training set")
    max_steps: int | None = Field(default=None, ge=1, description="stop after this many optimiser steps")
    max_rows: int | None = Field(default=None, ge=1, description="train on a sample of rows, by seed")
    held_out: int = Field(default=64, ge=1, description="rows kept back to see whether training changed anything")
    batch: int = Field(default=256, ge=1, description="rows per optimiser step, over all devices")
    per_device_batch: int = Field(default=8, ge=1, description="rows at once per device; halved where memory runs out")
    learning_rate: float | None = Field(
        default=None, gt=0, description="peak rate; by default 2e-4 for lora and 1e-5 for full"
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of the steps that warm up, before the cosine")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="AdamW's first beta")
    beta2: float = Field(default=0.95, ge=0, lt=1, description="AdamW's second beta")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's weight decay")
    clip: float = Field(default=1.0, gt=0, description="largest gradient norm")
    max_tokens: int = Field(default=8192, ge=8, description="longer rows lose tokens on the left")
    rank: int = Field(default=16, ge=1, description="rank of the adapter")
    alpha: int = Field(default=32, ge=1, description="scale of the adapter; it acts as alpha / rank")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout of the adapter")
    targets: str | tuple[str, ...] = Field(
        default="all-linear", description="modules to adapt: all-linear, or names as peft takes them"
    )
    bf16: bool | None = Field(default=None, description="bfloat16 autocast; by default where a GPU has it")
    gradient_checkpointing: bool | None = Field(
        default=None, description="recompute activations to save memory; by default on a GPU"
    )
    chat_template: bool | None = Field(
        default=None, description="render rows as chat turns; by default where the tokenizer has a template"
    )
    seeds: tuple[int, ...] = Field(
        default=(0, 1, 2), min_length=1, description="each varies sample, order and the adapter's start"
    )
    allow_overlap: bool = Field(default=False, description="train although rows contain benchmark questions")
    report_to: tuple[str, ...] = Field(
        default=(), description="where training logs go, as the Trainer takes it: wandb, trackio, tensorboard"
    )

    _seeds_differ = field_validator("seeds")(_all_different)


class MeasureSettings(Spec):
    """How accuracy is measured, before and after."""

    task: str = Field(default="mmlu_pro", description="an lm-eval task or group with question_id in its documents")
    include_path: str | None = Field(default=None, description="a folder with further task files")
    backend: str = Field(
        default="hf",
        description="lm-eval's name of the model class: hf, vllm, or hf-packed, which scores a question's options in "
        "one pass",
    )
    num_fewshot: int | None = Field(default=None, ge=0, description="demonstrations; the task's own number if absent")
    batch_size: str = Field(default="auto", description="rows at once, or auto")
    chat_template: bool = Field(default=False, description="render prompts as chat turns")
    max_answer_tokens: int | None = Field(default=None, ge=1, description="cut generated answers here; the task's own")
    questions: Literal["disjoint", "same"] = Field(
        default="disjoint",
        description="score what the prediction did not read, or all questions (as the paper does)",
    )
    max_questions: int | None = Field(default=None, ge=1, description="most scored questions per domain, at random")
    seed: int = Field(default=0, description="draws the scored questions where max_questions is set")


class Experiment(Spec):
    """A prediction in full: what is read and how."""

    model: ModelSpec
    sae: SAESpec = SAESpec()
    training_set: TrainingSetSpec
    benchmark: BenchmarkSpec = BenchmarkSpec()
    settings: PredictSettings = PredictSettings()
    tune: TuneSettings | None = Field(
        default=None, description="the tuning that is foretold; read by predictors that take gradients or train"
    )


class Run(Experiment):
    """A prediction and its test: predict, fine-tune, measure, report."""

    tune: TuneSettings = TuneSettings()
    measure: MeasureSettings = MeasureSettings()
