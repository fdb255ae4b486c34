"""The description of a run: what to read, and the settings of the method with the paper's values.

Everything downstream takes these models and nothing else. A field is the one place where a setting is defined: its
type, default and sentence make the option of `sts-eval predict`, the comment in the YAML file, the key of lm-eval's
`--metadata` and the row in the documentation.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator


def _is_false(value: object) -> bool:
    return value is False


def _is_none(value: object) -> bool:
    return value is None


class Spec(BaseModel):
    """A part of a description: immutable, and strict about names so that a typo is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Named:
    """The name of a setting on the command line and in `--metadata`, where it is not the field's own name."""

    name: str  # an identifier: sae_release is `--sae-release` and `--metadata sae_release=`
    older: tuple[str, ...] = ()  # names that earlier versions used in `--metadata`; they still work


def _all_different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) != len(seeds):
        raise ValueError("a seed occurs twice, which would count one run as two")
    return seeds


def _batch_size(given: str) -> str:
    if not re.fullmatch(r"auto(:\d+)?|[1-9]\d*", given):
        raise ValueError(f"{given!r} is neither a number of rows nor auto")
    return given


Seeds = Annotated[tuple[int, ...], AfterValidator(_all_different)]


class ModelSpec(Spec):
    """The untuned causal language model."""

    id: Annotated[str, Named("model")] = Field(
        description="the untuned model: hub id, or a folder in the Hugging Face format"
    )
    revision: str | None = Field(None, description="branch, tag or commit of the model on the hub")
    dtype: str = Field("auto", description="type of the weights: auto (as saved), float32, bfloat16 or float16")
    device: str = Field("auto", description="device: auto, cpu, cuda, cuda:1, mps, or a device_map such as balanced")
    adapter: Annotated[str | None, Named("peft")] = Field(
        None, description="adapter to attach, as peft saves it: hub id or folder"
    )
    trust_remote_code: bool = Field(False, description="run code that the model's repository ships")


class SAESpec(Spec):
    """The sparse autoencoder: a sae-lens release and id, or a folder."""

    release: Annotated[str | None, Named("sae_release")] = Field(
        None,
        description="release in sae-lens, or hub repository in a format that --sae-path takes; by default the model's "
        "known one",
    )
    id: Annotated[str | None, Named("sae_id")] = Field(None, description="id of the SAE within the release")
    path: Annotated[str | None, Named("sae_path")] = Field(
        None,
        description="folder or weights of an SAE: sae-lens, sparsify, Gemma Scope 1 and 2, Llama Scope, Qwen Scope, "
        "dictionary_learning, BatchTopK",
    )
    hook: str | None = Field(
        None, description="where to read, as a hook name or module path; by default where the SAE was trained"
    )
    layer: int | None = Field(
        None, description="read the residual stream after this block; by default where the SAE was trained"
    )
    allow_pickle: bool = Field(False, description="load SAE weights that are stored as a pickle")
    allow_mismatch: bool = Field(
        False,
        description="predict even if the SAE does not reconstruct the model's activations, or is not read where it "
        "was trained",
        exclude_if=_is_false,  # so that records from before it was there keep their hashes
    )


class TrainingSetSpec(Spec):
    """The set that the model would be tuned on."""

    source: Annotated[str, Named("sft")] = Field(
        description="training set: hub id (ORG/NAME:CONFIGURATION where there are several), file, or folder of files"
    )
    revision: Annotated[str | None, Named("sft_revision")] = Field(
        None, description="branch, tag or commit of the training set on the hub"
    )
    split: Annotated[str, Named("sft_split")] = Field("train", description="split of a training set on the hub")
    question_field: str | None = Field(None, description="column of the questions; by default found by name")
    solution_field: str | None = Field(None, description="column of the solutions; by default found by name")
    answer_field: str | None = Field(
        None,
        exclude_if=_is_none,  # so that records from before it was there keep their hashes
        description="column of the answers that a reward compares with; by default found by name, or else the final "
        "answer of the solution",
    )
    suffix: str | None = Field(None, description="instruction to append to each question of the training set")
    home: tuple[str, ...] = Field(
        (),
        exclude_if=lambda domains: not domains,  # so that records from before it was there keep their hashes
        description="domains that the training set is made for, where that is known; changes no score, and lets "
        "reports show what is predicted beside them",
    )


class BenchmarkSpec(Spec):
    """The downstream domains: MMLU-Pro, another multiple-choice benchmark, or a task or group of lm-eval."""

    source: Annotated[str, Named("domains", older=("benchmark",))] = Field(
        "mmlu_pro",
        description="benchmark: mmlu_pro, a hub id, a folder (test.*, validation.*), or a task or group of lm-eval",
    )
    revision: Annotated[str | None, Named("domains_revision")] = Field(
        None, description="branch, tag or commit of the benchmark on the hub"
    )
    include_path: str | None = Field(
        None, description="a folder with further task files of lm-eval", exclude_if=_is_none
    )
    domains: Annotated[tuple[str, ...], Named("only")] = Field((), description="domains to score; by default all")


REWARDS = ("exact", "math_verify")
"""Rewards that the package brings; `module:function` is one of the user's own."""

REWARD_MEANING = (
    "exact (1 where the final answer is the row's), math_verify (the same up to mathematical equality), or "
    "module:function of your own"
)


def _reward(given: str | None) -> str | None:
    if given not in (None, *REWARDS) and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", given or ""):
        raise ValueError(f"{given!r} is no reward; write {', '.join(REWARDS)} or module:function")
    return given


class PredictSettings(Spec):
    """The dials of STS. Defaults are the paper's (arXiv 2603.02908, sections 3 and 4)."""

    top_n: int = Field(100, ge=1, description="N, the number of shifted dimensions")
    shots: int = Field(2, ge=1, description="demonstrations from the training set in a prompt of step 1")
    domain_shots: int = Field(5, ge=1, description="a domain's own demonstrations in a prompt of STS_ICL")
    shift_tokens: int = Field(20_000, ge=1, description="training set's question tokens to compare in step 1")
    domain_tokens: int = Field(10_000, ge=1, description="question tokens to read per domain in step 2")
    estimator: Literal["paired", "notebook"] = Field(
        "paired", description="what step 1 compares: paired (each token with itself), notebook (two unaligned samples)"
    )
    seeds: Annotated[Seeds, Named("seed", older=("seeds",))] = Field(
        (0, 1, 2), min_length=1, description="random seeds; each draws its own demonstrations and questions"
    )
    predictors: tuple[str, ...] = Field(
        ("lexical",),
        description="predictors beside STS: all, groups or names (`sts-eval list predictors`), separated by commas, or "
        "none; the lexical ones need no model, and in the evidence so far no predictor that needs one beats them",
    )
    embeddings: str = Field(
        "wordllama",
        min_length=1,
        exclude_if=lambda chosen: chosen == "wordllama",  # so that records from before it was there keep their hashes
        description="sentence encoder of the predictor embedding_cosine: wordllama, which that package ships, or the "
        "id or folder of a sentence-transformers model",
    )
    sink_tokens: Literal["keep", "exclude"] = Field(
        "keep",
        exclude_if=lambda chosen: chosen == "keep",  # likewise
        description="attention sinks among the question tokens (residual norm above 10 times the question's median): "
        "keep (the paper says nothing of them), or exclude (from everything that is read at the SAE)",
    )
    demonstrations: Literal["ground_truth", "on_policy", "both"] = Field(
        "ground_truth",
        exclude_if=lambda chosen: chosen == "ground_truth",  # likewise
        description="whose answers step 1 shows: ground_truth (the training set's, as in the paper), on_policy (the "
        "untuned model's own that the reward accepts, which is what reinforcement learning strengthens), or both: "
        "ground_truth, and on_policy for the further scores sts_icl_on_policy and sts_act_on_policy",
    )
    reward: Annotated[str | None, AfterValidator(_reward)] = Field(
        None,
        exclude_if=_is_none,  # likewise
        description=f"what accepts own answers: {REWARD_MEANING}; by default that of the tuning, or exact",
    )
    own_answer_tokens: int = Field(
        512,
        ge=1,
        exclude_if=lambda chosen: chosen == 512,  # noqa: PLR2004 -- likewise; the default
        description="longest own answer in tokens; longer ones are cut",
    )
    probe_steps: int = Field(40, ge=4, description="optimiser steps of predictors that train briefly")
    meanings: bool = Field(
        True,
        exclude_if=lambda chosen: chosen,  # so that records from before it was there keep their hashes
        description="say what the shifted features mean: where they fire, in which source, and what they promote; "
        "changes no score",
    )
    excerpts: int = Field(
        10,
        ge=2,
        le=50,
        exclude_if=lambda chosen: chosen == 10,  # noqa: PLR2004 -- the default; likewise
        description="strongest samples of a shifted feature whose text around the peak is kept",
    )
    excerpt_tokens: int = Field(
        24,
        ge=1,
        le=128,
        exclude_if=lambda chosen: chosen == 24,  # noqa: PLR2004 -- the default; likewise
        description="tokens of such a text",
    )
    neutral_text: str | None = Field(
        None,
        exclude_if=_is_none,  # likewise
        description="text that is no question, to compare with: file, folder or hub id; by default sixty sentences on "
        "everyday things",
    )
    chat_template: bool | None = Field(
        None, description="render prompts as chat turns; by default if the tokenizer has a template"
    )
    context: int | None = Field(None, ge=8, description="longest prompt in tokens; by default the model's limit")
    batch_tokens: int | None = Field(
        None, ge=1, description="question tokens per forward pass; by default fewer on a CPU; never changes a result"
    )
    batch_questions: int = Field(64, ge=1, description="questions per forward pass; never changes a result")

    @field_validator("predictors", mode="before")
    @classmethod
    def _split_names(cls, given: Any) -> Any:
        """Names separated by commas or semicolons, in one text or several; `none` adds nothing."""
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            return given  # pydantic says what is wrong
        names = [name.strip() for text in texts for name in re.split("[,;]", text)]
        return tuple(name for name in names if name not in ("", "none"))


QUICK = {"shift_tokens": 4_000, "domain_tokens": 2_000}
"""Settings of `predict --quick`: a fifth of the defaults, on which the time depends nearly linearly."""


def quick_words() -> str:
    """The settings of `--quick` as options."""
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in QUICK.items())


RATE = {"lora": 2e-4, "full": 1e-5, "grpo": 2e-5, "features": 1e-3}
"""Peak learning rates where none is set: as LoRA, full tuning and GRPO are commonly run; that of features is ours."""


class GRPOSettings(Spec):
    """The dials of GRPO, which trains a LoRA adapter on sampled answers. Defaults are plain GRPO's (arXiv 2402.03300).

    The paper on STS gives none (section 6).
    """

    reward: Annotated[str, AfterValidator(_reward)] = Field(
        "exact", description=f"what an answer is worth: {REWARD_MEANING}"
    )
    num_generations: int = Field(8, ge=2, description="answers to a question, which are compared with one another")
    max_completion_tokens: int = Field(512, ge=1, description="longest answer in tokens; longer ones are cut")
    beta: float = Field(0.04, ge=0, description="weight of the divergence from the untuned model in the loss")
    temperature: float = Field(1.0, gt=0, description="temperature at which answers are sampled")
    loss_type: Literal["grpo", "dr_grpo", "bnpo", "dapo"] = Field(
        "grpo", description="how trl takes the mean over tokens: grpo (within an answer, then over answers), or another"
    )


class FeatureTuningSettings(Spec):
    """The dials of tuning by features (arXiv 2603.02908, table 11)."""

    layers: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (), description="blocks after which features are tuned, counted from 0; by default where the SAE reads"
    )
    saes: tuple[str, ...] = Field((), description="SAEs of further layers: folders, or RELEASE:ID of sae-lens")
    top_n: int = Field(100, ge=1, description="features at each layer")
    choose: Literal["predicted", "most_active", "random", "matched"] = Field(
        "predicted", description="which features: predicted, or as many others to compare with"
    )


class TuneSettings(Spec):
    """The dials of fine-tuning. Defaults are the paper's where LoRA allows (arXiv 2603.02908, section 4)."""

    method: Literal["lora", "full", "grpo", "features"] = Field(
        "lora",
        description="train a LoRA adapter, all weights, a LoRA adapter by reinforcement learning on sampled answers, "
        "or a map from chosen SAE features (selective tuning)",
    )
    grpo: GRPOSettings | None = Field(
        None,
        exclude_if=_is_none,  # so that records of other methods keep their hashes
        description="dials of the method grpo (docs/reinforcement.md); all at their defaults if none are given",
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
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps that warm up, before the cosine")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's first beta")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW's second beta")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay")
    clip: float = Field(1.0, gt=0, description="largest gradient norm; larger gradients are scaled down to it")
    max_tokens: int = Field(8192, ge=8, description="longest row in tokens; longer rows lose tokens on the left")
    rank: int = Field(16, ge=1, description="rank of the adapter")
    alpha: int = Field(32, ge=1, description="scale of the adapter; it acts as alpha / rank")
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
        exclude_if=_is_none,  # so that records from before it was there keep their hashes
        description="dials of the method features (layers, saes of further layers, top_n, and choose, which is "
        "predicted, most_active, random or matched); by default the 100 predicted features where the SAE reads",
    )
    allow_overlap: bool = Field(False, description="train even if rows contain benchmark questions")
    report_to: tuple[str, ...] = Field(
        (),
        description="where training logs go, as the Trainer takes it: wandb, trackio, tensorboard; by default nowhere",
    )

    @model_validator(mode="after")
    def _grpo_has_dials(self) -> Self:
        """The method grpo has its dials written down, and no other method has any."""
        if self.method == "grpo" and self.grpo is None:
            object.__setattr__(self, "grpo", GRPOSettings())  # frozen for everybody else
        if self.method != "grpo" and self.grpo is not None:
            raise ValueError("grpo has dials, but the method is another; set method: grpo")
        return self

    @property
    def adapts(self) -> bool:
        """Whether it trains a LoRA adapter."""
        return self.method in ("lora", "grpo")


class MeasureSettings(Spec):
    """How accuracy is measured, before and after."""

    task: str = Field(
        "mmlu_pro",
        description="lm-eval task or group that scores each question 0 or 1; mmlupro_options scores the options of any "
        "benchmark by the likelihood of their texts",
    )
    include_path: str | None = Field(None, description="a folder with further task files")
    backend: str = Field(
        "hf-packed",
        description="class of model in lm-eval: hf, vllm, or hf-packed, which is hf but scores a question's options in "
        "one pass where the model allows it",
    )
    adapter: Literal["merged", "attached"] = Field(
        "merged",
        description="how hf and hf-packed use a LoRA adapter: merged into the weights in memory, which is faster (if a "
        "few questions come out the same), or attached",
    )
    num_fewshot: int | None = Field(None, ge=0, description="demonstrations; by default the task's own number")
    batch_size: Annotated[str, AfterValidator(_batch_size)] = Field(
        "auto", description="rows at once; auto: as many as fit on a GPU, 8 elsewhere"
    )
    chat_template: bool = Field(False, description="render prompts as chat turns")
    max_answer_tokens: int | None = Field(
        None, ge=1, description="cut generated answers after this many tokens; by default the task's own limit"
    )
    questions: Literal["disjoint", "same"] = Field(
        "disjoint",
        description="which questions to score: disjoint (those that the prediction did not read), or same (all, as in "
        "the paper)",
    )
    max_questions: int | None = Field(
        None, ge=1, description="score at most this many questions per domain, drawn at random; by default all"
    )
    seed: int = Field(0, description="random seed that draws the scored questions if max_questions is set")


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
    k: int = Field(32, ge=1, description="features that fire on a token, of topk and batchtopk")
    sparsity: float | None = Field(
        None, gt=0, description="weight of the sparsity loss, of standard, jumprelu and gated; by default sae-lens's"
    )
    tokens: Annotated[str, AfterValidator(_count)] = Field(
        "2M", description="tokens to read, such as 500k or 2M; fewer if the text has fewer"
    )
    epochs: int = Field(1, ge=1, description="passes over the activations")
    batch: int = Field(2048, ge=1, description="tokens in a training step")
    learning_rate: float = Field(4e-4, gt=0, description="rate of Adam; it falls to zero over the last third")
    context: int = Field(1024, ge=8, description="tokens after which a text is cut into a next piece")
    held_out: float = Field(0.05, gt=0, lt=1, description="share of the texts that is held out to judge the SAE")
    seed: int = Field(0, ge=0, description="random seed of texts, batches and start")

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


class Experiment(Spec):
    """A prediction in full: what is read and how."""

    model: ModelSpec
    sae: SAESpec = SAESpec()
    training_set: TrainingSetSpec
    benchmark: BenchmarkSpec = BenchmarkSpec()
    settings: PredictSettings = PredictSettings()
    tune: TuneSettings | None = Field(
        None, description="the fine-tuning to predict; read by predictors that take gradients or train"
    )

    @property
    def reward(self) -> str:
        """What accepts a model's own answers: as the prediction's settings say, or else as the tuning's do."""
        return self.settings.reward or (self.tune.grpo.reward if self.tune and self.tune.grpo else "exact")


class Run(Experiment):
    """A prediction and its test: predict, fine-tune, measure, report."""

    tune: TuneSettings = TuneSettings()
    measure: MeasureSettings = MeasureSettings()
