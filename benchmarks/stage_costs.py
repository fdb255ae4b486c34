"""What scoring options and LoRA steps cost on a real model: for extraction.py --model."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from peft import get_peft_model
from shapes import Shape, block_flops, matmul_rate
from transformers import PreTrainedModel

from sts_eval.data.prompt import Prompter
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.load import load_model, load_tokenizer, lora_config
from sts_eval.transfer.packed_lm import PackedLM
from sts_eval.tuning.checkpoints import Attempt
from sts_eval.tuning.setup import Setup
from sts_eval.tuning.training import train

QUESTIONS, OPTIONS, ASKED, OPTION = 16, 4, 90, 12  # questions, their options, and tokens of each

ROWS, ROW, STEPS = 16, 100, 6  # rows of a LoRA step, their tokens, and steps


def scoring(network: PreTrainedModel, tokenizer: Any, vocabulary: Sequence[str]) -> dict[str, float]:
    """Options scored a second: packed and plain, and packed with a LoRA adapter, merged and attached."""
    requests = _requests(vocabulary)
    found = {"packed_options_a_second": _rate(PackedLM, network, tokenizer, requests)}
    found["plain_options_a_second"] = _rate(HFLM, network, tokenizer, requests)
    adapted = get_peft_model(network, lora_config(TuneSettings()))
    found["attached_options_a_second"] = _rate(PackedLM, adapted, tokenizer, requests)
    adapted.merge_adapter()
    found["merged_options_a_second"] = _rate(PackedLM, adapted, tokenizer, requests)
    adapted.unload()
    return found | {
        "packed_over_plain": found["packed_options_a_second"] / found["plain_options_a_second"],
        "attached_over_untuned": found["attached_options_a_second"] / found["packed_options_a_second"],
        "merged_over_untuned": found["merged_options_a_second"] / found["packed_options_a_second"],
    }


def _requests(vocabulary: Sequence[str]) -> list[Instance]:
    rng = np.random.default_rng(0)

    def words(n: int) -> str:
        return " ".join(rng.choice(vocabulary, n))

    asked = [f"Question: {words(ASKED)}\nAnswer:" for _ in range(QUESTIONS)]
    pairs = [(question, f" {words(OPTION)}") for question in asked for _ in range(OPTIONS)]
    return [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]


def _rate(kind: type[HFLM], network: Any, tokenizer: Any, requests: list[Instance]) -> float:
    lm = kind(pretrained=network, tokenizer=tokenizer, batch_size=8)
    lm.loglikelihood(requests[:OPTIONS], disable_tqdm=True)  # warms up
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        lm.loglikelihood(requests, disable_tqdm=True)
        seconds.append(time.perf_counter() - start)
    if getattr(lm, "unpacked", None):
        raise SystemExit(f"options were scored one by one: {lm.unpacked}")
    return len(requests) / min(seconds)


def tuning(spec: ModelSpec, shape: Shape, vocabulary: Sequence[str]) -> dict[str, float]:
    """Seconds of a LoRA step, and its least operations at the rate of matrix products, as a share of them."""
    rng = np.random.default_rng(1)
    half = ROW // 2
    rows = [
        Example(" ".join(rng.choice(vocabulary, half)), " ".join(rng.choice(vocabulary, half))) for _ in range(ROWS * 4)
    ]
    settings = TuneSettings(
        max_steps=STEPS, batch=ROWS, per_device_batch=ROWS, held_out=4, chat_template=False, learning_rate=1e-4
    )
    training_set = TrainingSet("random", None, "", rows, "0" * 64)
    setup = Setup(spec, training_set, settings, Prompter(load_tokenizer(spec), chat_template=False), 8192)
    split = setup.split(0)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            setup,
            split,
            Attempt(Path(folder) / "checkpoints"),
            seed=0,
            folder=Path(folder) / "weights",
            progress=lambda _stage, _done, _all: ends.append(time.perf_counter()),
        )
    step = statistics.median(np.diff(ends)[1:])  # the first warms up
    tokens = ROWS * statistics.fmean(len(row.input_ids) for row in split.train)
    forward = block_flops(shape, shape.layers, tokens, ROW / 2) + 2 * tokens * shape.hidden * shape.vocabulary
    rate = matmul_rate(load_model(spec))
    return {"lora_step_seconds": step, "tuning_share": 2 * forward / step / rate}  # no gradients of frozen weights
