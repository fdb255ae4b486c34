"""The settings of measuring accuracy."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sts_eval.experiment.spec import LARGEST_SEED, Spec


def _batch_size(given: str) -> str:
    if not re.fullmatch(r"auto(:\d+)?|[1-9]\d*", given):
        raise ValueError(f"{given!r} is neither a number of rows nor auto")
    return given


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
        description="how hf and hf-packed use a LoRA adapter: merged into the weights in memory, which is faster and "
        "used only if a few questions come out the same, or attached",
    )
    num_fewshot: int | None = Field(None, ge=0, description="demonstrations; by default the task's own number")
    batch_size: Annotated[str, AfterValidator(_batch_size)] = Field(
        "auto", description="rows at once; auto: as many as fit on a GPU, 8 elsewhere"
    )
    chat_template: bool = Field(False, description="render prompts as chat turns")
    max_answer_tokens: int | None = Field(
        None, ge=1, description="cut generated answers after this many tokens; by default after the task's own number"
    )
    questions: Literal["disjoint", "same"] = Field(
        "disjoint",
        description="which questions to score: disjoint (those that the prediction did not read), or same (all, as in "
        "the paper)",
    )
    max_questions: int | None = Field(
        None, ge=1, description="score at most this many questions per domain, drawn at random; by default all"
    )
    seed: int = Field(
        0, ge=0, le=LARGEST_SEED, description="random seed that draws the scored questions if max_questions is set"
    )
