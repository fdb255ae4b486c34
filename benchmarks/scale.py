"""What does a prediction cost beside the fine-tuning that it spares? Measured here, and worked out for large models.

    python benchmarks/scale.py [--shape tiny|small|100m|7b] [--device cpu|cuda] [--write]

Measured: the code of `sts-eval predict` on 20,000 tokens of step 1 behind 8,000 of demonstrations and on some of 14
domains of 10,000 tokens; optimiser steps of `sts-eval stage finetune` (LoRA); prompts and answers as lm-eval's `hf`
backend generates them. Each is taken in one process, in turn, and multiplied to the whole: 14 domains, ten epochs of as
many rows as LIMO has, all 12,032 questions of MMLU-Pro. `--write` keeps the tables in results/ and in docs/scale.md.

Worked out: the same counts for 7B and larger models, in floating-point operations over what a GPU does in an hour.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from evidence_blocks import filled
from shapes import SHAPES, Shape, autoencoder, block_flops, build, matmul_rate, texts, tokenizer, wait
from transformers import LlamaForCausalLM

from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.experiment import ModelSpec, PredictSettings, TuneSettings
from sts_eval.progress import silent
from sts_eval.records.record import write_atomically
from sts_eval.study.extractor import assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift
from sts_eval.tuning.finetune import finetune

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "scale.md"

DOMAINS, QUESTIONS = 14, 12_032
"""Of MMLU-Pro."""

SHIFT_TOKENS, DOMAIN_TOKENS = 20_000, 10_000
"""Question tokens of a prediction, as in the paper."""

ROWS, EPOCHS, SEEDS = 817, 10, 3
"""Rows of LIMO, how often the paper goes through them, and seeds of a tuning."""

LENGTHS = {"long chains of thought": 6000, "short solutions": 300}
"""Tokens a row of the training set, taken as given: about LIMO's, and about GSM8K's."""

PROMPT, ANSWER = 1500, 300
"""Tokens of a five-shot question and of its answer, taken as given."""

GPU_FLOPS = 990e12
"""Operations a second that an H100 or H200 is sold with: bfloat16, dense."""

GPU_SHARE = {"predict": 0.4, "tune": 0.4, "measure": 0.1}
"""What of it is taken to be reached. No GPU was at hand: these are assumptions, to be replaced by a measurement."""

LARGE = {
    "8B": Shape(4096, 32, 32, 14336, 128_256, 131_072),
    "70B": Shape(8192, 80, 64, 28672, 128_256, 131_072),
}


@dataclass(frozen=True)
class Cost:
    """Of one run: a model, a training set, three seeds. Seconds, floating-point operations or GPU-hours."""

    predict: float
    tune: float
    measure: float

    @property
    def share(self) -> float:
        """The prediction's part of the whole."""
        return self.predict / (self.predict + self.tune + self.measure)


def main() -> None:
    """Measure, work out, print, and keep the tables if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="100m")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/scale.md")
    arguments = parser.parse_args()
    blocks = {"measured": measured(arguments.shape, arguments.device), "worked out": worked_out()}
    for block in blocks.values():
        print(f"\n{block}")
    if arguments.write:
        write_atomically(DOCUMENT, filled(DOCUMENT.read_text(encoding="utf-8"), blocks))


def measured(name: str, device: str) -> str:
    """The shares of a run's stages on this machine, as a table."""
    shape = replace(SHAPES[name], questions=SHIFT_TOKENS // SHAPES[name].question)
    network = build(shape, device)
    rate = matmul_rate(network)
    lines = [
        f"{name} shape on {device} ({platform.machine()}, {torch.get_num_threads()} threads), one prediction against "
        f"{SEEDS} tunings and {SEEDS + 1} evaluations:\n",
        "| training rows | predict, s | tune, s | measure, s | prediction's share | by operations alone |",
        "|---|---|---|---|---|---|",
    ]
    read = predict_seconds(network, shape)
    prompt, token = answer_seconds(network, shape)
    asked = (SEEDS + 1) * QUESTIONS * (prompt + ANSWER * token)
    per_token = tune_seconds(network, shape)
    for label, length in LENGTHS.items():
        cost = Cost(read, SEEDS * ROWS * EPOCHS * length * per_token, asked)
        figures = f"{cost.predict:,.0f} | {cost.tune:,.0f} | {cost.measure:,.0f} | {cost.share:.2%}"
        lines.append(f"| {label}, {length:,} tokens | {figures} | {operations(shape, length).share:.2%} |")
    reached = operations(shape, 1).predict / read / rate
    lines.append(f"\nThe prediction ran at {reached:.0%} of the machine's measured rate of matrix products.")
    return "\n".join(lines)


def worked_out() -> str:
    """GPU-hours of whole studies, as a table."""
    lines = ["| study | predict | tune | measure | prediction's share |", "|---|---|---|---|---|"]
    for label, size, models, sets in (
        ("the paper's: 3 models of 8B, 1 set, 3 seeds", "8B", 3, 1),
        ("100 models of 8B, 20 sets, 3 seeds", "8B", 100, 20),
        ("100 models of 70B, 20 sets, 3 seeds", "70B", 100, 20),
    ):
        one = operations(LARGE[size], LENGTHS["long chains of thought"])
        before = one.measure / (SEEDS + 1)  # once for all sets of a model
        total = Cost(
            hours("predict", models * sets * one.predict),
            hours("tune", models * sets * one.tune),
            hours("measure", models * (before + sets * SEEDS * before)),
        )
        figures = f"{total.predict:.2g} | {total.tune:,.0f} | {total.measure:,.0f} | {total.share:.2%}"
        lines.append(f"| {label} | {figures} |")
    return "\n".join(lines)


def hours(stage: str, flops: float) -> float:
    """GPU-hours of so many operations."""
    return flops / (GPU_FLOPS * GPU_SHARE[stage]) / 3600


def operations(shape: Shape, row_tokens: int) -> Cost:
    """Floating-point operations of a run; training is a forward pass and two more back through frozen weights."""
    blocks = shape.hook + 1
    encoded = 2 * shape.hidden * shape.d_sae * 2 * SHIFT_TOKENS
    step1 = block_flops(shape, blocks, shape.prefix, shape.prefix / 2)
    step1 += block_flops(shape, blocks, SHIFT_TOKENS, shape.prefix) + block_flops(shape, blocks, SHIFT_TOKENS, 0)
    domain = block_flops(shape, blocks, 1200, 600)
    domain += block_flops(shape, blocks, DOMAIN_TOKENS, 1200) + block_flops(shape, blocks, DOMAIN_TOKENS, 0)
    head = 2 * shape.hidden * shape.vocabulary
    trained = SEEDS * ROWS * EPOCHS * row_tokens
    tune = 3 * (block_flops(shape, shape.layers, trained, row_tokens / 2) + head * trained)
    answered = (SEEDS + 1) * QUESTIONS
    measure = block_flops(shape, shape.layers, answered * PROMPT, PROMPT / 2)
    measure += block_flops(shape, shape.layers, answered * ANSWER, PROMPT + ANSWER / 2) + head * answered * ANSWER
    return Cost(step1 + encoded + DOMAINS * domain, tune, measure)


def predict_seconds(network: LlamaForCausalLM, shape: Shape) -> float:
    """Step 1 as it is, and step 2 of one domain times fourteen."""
    training, _ = texts(shape)
    _, domain = texts(replace(shape, questions=DOMAIN_TOKENS // shape.question), seed=1)
    settings = PredictSettings(
        shift_tokens=SHIFT_TOKENS, domain_tokens=DOMAIN_TOKENS, top_n=100, context=16_000, chat_template=False
    )
    sae = autoencoder(shape, shape.d_sae, str(network.device))
    ours = assemble(network, tokenizer(), sae, settings)
    with clock(network) as step1:
        shift = measure_shift(ours, training, 0, silent)
    positions = list(range(len(domain.questions)))
    with clock(network) as step2:
        read_domain(ours, domain, {shift.seed: shift.features}, {0: positions})
    return step1() + DOMAINS * step2()


def tune_seconds(network: LlamaForCausalLM, shape: Shape, length: int = 2048) -> float:
    """A token of LoRA fine-tuning: the difference of a run of three steps and one of a single step, two rows each."""
    rows = texts(replace(shape, prefix=2 * length, questions=6))[0].examples
    data = TrainingSet("random", None, "", [Example(row.question, row.solution) for row in rows], "0" * 64)
    took = []
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        spec = ModelSpec(id=folder, dtype="auto", device=str(network.device))
        for steps in (1, 3):
            settings = TuneSettings(
                max_steps=steps,
                batch=2,
                per_device_batch=1,
                held_out=1,
                max_tokens=length,
                seeds=(0,),
                chat_template=False,
            )
            done = finetune(spec, data, settings, Path(folder) / f"{steps}-steps")
            took.append(done.runs[0].seconds)
    return (took[1] - took[0]) / (2 * 2 * length)


def answer_seconds(network: LlamaForCausalLM, shape: Shape, batch: int = 8, tokens: int = 48) -> tuple[float, float]:
    """A prompt, and a token of an answer, per question, as `transformers` generates them."""
    prompts = torch.randint(4, shape.vocabulary, (batch, PROMPT), device=network.device)
    took = []
    for new in (1, 1 + tokens):
        with clock(network) as spent:
            network.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                min_new_tokens=new,
                max_new_tokens=new,
                do_sample=False,
                pad_token_id=0,
            )
        took.append(spent())
    return took[0] / batch, (took[1] - took[0]) / batch / tokens


@contextmanager
def clock(network: LlamaForCausalLM) -> Iterator[Callable[[], float]]:
    """Seconds of what is done inside, to be asked for when it is done."""
    wait(network)
    start = time.perf_counter()
    end = start
    yield lambda: end - start
    wait(network)
    end = time.perf_counter()


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
