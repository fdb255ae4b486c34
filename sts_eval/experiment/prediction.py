"""The settings of a prediction."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from sts_eval.experiment.reward import REWARD_MEANING, Reward
from sts_eval.experiment.spec import Named, Seeds, Spec, is_none


class PredictSettings(Spec):
    """The dials of STS. Defaults are the paper's (arXiv 2603.02908, sections 3 and 4)."""

    top_n: int = Field(
        100, ge=1, description="N, the number of shifted features, those that step 1 finds to change most"
    )
    shots: int = Field(
        2, ge=1, description="demonstrations (worked examples) from the training set in a prompt of step 1"
    )
    domain_shots: int = Field(5, ge=1, description="a domain's own demonstrations in a prompt of STS_ICL (step 2)")
    shift_tokens: int = Field(20_000, ge=1, description="tokens of the training set's questions to compare in step 1")
    domain_tokens: int = Field(10_000, ge=1, description="tokens of each domain's questions to read in step 2")
    estimator: Literal["paired", "notebook"] = Field(
        "paired", description="what step 1 compares: paired (each token with itself), notebook (two unaligned samples)"
    )
    seeds: Annotated[Seeds, Named("seed", older=("seeds",))] = Field(
        (0, 1, 2), min_length=1, description="random seeds; each draws its own demonstrations and questions"
    )
    predictors: tuple[str, ...] = Field(
        ("lexical",),
        description="predictors beside STS: all, none, or groups or names (`sts-eval list predictors`), separated by "
        "commas; the lexical ones need no model, and in the evidence so far no predictor that needs one "
        "beats them",
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
        description="attention sinks, which are question tokens with a residual norm above 10 times the question's "
        "median: keep them (the paper does not mention them), or exclude them from everything that is "
        "read at the SAE",
    )
    demonstrations: Literal["ground_truth", "on_policy", "both"] = Field(
        "ground_truth",
        exclude_if=lambda chosen: chosen == "ground_truth",  # likewise
        description="whose answers step 1 shows: ground_truth (the training set's, as in the paper), on_policy (the "
        "untuned model's own that the reward accepts; reinforcement learning strengthens these), or both "
        "(ground_truth, and on_policy for two more scores, sts_icl_on_policy and sts_act_on_policy)",
    )
    reward: Reward | None = Field(
        None,
        exclude_if=is_none,  # likewise
        description=f"what accepts the model's own answers: {REWARD_MEANING}; by default the reward of the tuning, or "
        "exact",
    )
    own_answer_tokens: int = Field(
        512,
        ge=1,
        exclude_if=lambda chosen: chosen == 512,  # noqa: PLR2004 -- likewise; the default
        description="longest own answer of the model in tokens; longer ones are cut",
    )
    probe_steps: int = Field(40, ge=4, description="optimiser steps of predictors that train the model briefly")
    meanings: bool = Field(
        True,
        exclude_if=lambda chosen: chosen,  # so that records from before it was there keep their hashes
        description="say what the shifted features mean: on which tokens they fire, in which source (training set, "
        "domain or neutral text), and which tokens they promote; changes no score",
    )
    excerpts: int = Field(
        10,
        ge=2,
        le=50,
        exclude_if=lambda chosen: chosen == 10,  # noqa: PLR2004 -- the default; likewise
        description="excerpts to keep for each shifted feature: the text around the tokens where it fires most "
        "strongly",
    )
    excerpt_tokens: int = Field(
        24,
        ge=1,
        le=128,
        exclude_if=lambda chosen: chosen == 24,  # noqa: PLR2004 -- the default; likewise
        description="tokens in such an excerpt",
    )
    neutral_text: str | None = Field(
        None,
        exclude_if=is_none,  # likewise
        description="neutral text without questions, in which features are read for comparison: file, folder or hub "
        "id; by default thirty short paragraphs on everyday things",
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
