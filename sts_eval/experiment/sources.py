"""What a run reads: model, SAE, training set, benchmark."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from sts_eval.experiment.spec import Named, Spec, is_false, is_none


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
        description="release in sae-lens, or hub repository in a format that --sae-path takes; by default the one "
        "that is known for the model",
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
        exclude_if=is_false,  # so that records from before it was there keep their hashes
    )

    @classmethod
    def named(cls, text: str) -> Self:
        """An SAE by its folder, or by RELEASE:ID of sae-lens."""
        release, _, identity = text.partition(":")
        if identity and not Path(text).expanduser().exists():
            return cls(release=release, id=identity)
        return cls(path=text)


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
        exclude_if=is_none,  # so that records from before it was there keep their hashes
        description="column of the answers that a reward compares with; by default found by name, or else the final "
        "answer of the solution",
    )
    suffix: str | None = Field(None, description="instruction to append to each question of the training set")
    home: tuple[str, ...] = Field(
        (),
        exclude_if=lambda domains: not domains,  # so that records from before it was there keep their hashes
        description="domains that the training set is made for, if that is known; changes no score; reports then also "
        "show the results without these domains",
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
        None, description="a folder with further task files of lm-eval", exclude_if=is_none
    )
    domains: Annotated[tuple[str, ...], Named("only")] = Field((), description="domains to score; by default all")
