"""How much dearer is the plain way? The reference pipeline against ours, on the same tokens, in one process.

    python benchmarks/extraction.py [--shape small|100m|7b] [--device cpu|cuda] [--json] [--write]
    python benchmarks/extraction.py --model FOLDER [--dtype float32|bfloat16] [--write]      real weights, all stages

The reference is written as the paper's description reads: every question with all its demonstrations goes through
every layer and the language-model head, the SAE encodes all features of all question tokens, everything is kept, and
the two contexts are differenced at the end. Ours is the code that `sts-eval predict` runs. Both must agree to 1e-4 in
float32. With a real model the options scored a second and the steps of LoRA follow (stage_costs.py).

The last line of `--json` is one object; `--write` keeps the table in results/. Ratios are of times taken in turn; no
figure is an absolute time.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shapes import SHAPES, Shape, autoencoder, build, common_words, flops, matmul_rate, texts, tokenizer, wait
from transformers import PreTrainedModel

from sts_eval.data.benchmark import Domain
from sts_eval.data.training_set import TrainingSet
from sts_eval.experiment import ModelSpec, PredictSettings
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.progress import silent
from sts_eval.records.record import write_atomically
from sts_eval.study.extractor import Extractor, assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.reading import Context, Reading
from sts_eval.study.shifted_features import Shift, measure_shift

RESULTS = Path(__file__).parent / "results"

GOALS = {
    "step1_speedup": "≥ 20",
    "sts_icl_speedup": "≥ 5",
    "sts_act_speedup": "≥ 1.5",
    "memory_growth": "< 1.05",
    "dims_cost_growth": "< 1.15",
    "roofline_share": "≥ 0.35 (CPU), ≥ 0.50 (GPU)",
}

REAL_GOALS = {
    "step1_speedup": "≥ 30",
    "sts_icl_speedup": "≥ 10",
    "sts_act_speedup": "≥ 3",
    "roofline_share": "≥ 0.50",
    "tuning_share": "≥ 0.40",
    "merged_over_untuned": "≥ 0.95",
}

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
"""Largest relative difference of the scores."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=list(SHAPES), default="small")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", help="a real model, by folder or hub id, in place of a shape")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"], help="of the real model")
    parser.add_argument("--prefix", type=int, default=4000, help="tokens of its two demonstrations")
    parser.add_argument("--questions", type=int, default=24, help="questions behind them")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--peak", nargs=3, metavar=("WHAT", "D_SAE", "TOKENS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        what, d_sae, tokens = arguments.peak
        print(peak_of(what, int(d_sae), int(tokens)))
        return
    if arguments.model:
        name = f"{Path(arguments.model).name}_{arguments.dtype}"
        spec = ModelSpec(id=arguments.model, dtype=arguments.dtype, device=arguments.device)
        found, goals = measure_real(spec, arguments.prefix, arguments.questions), REAL_GOALS
        what = (
            f"{name} on {arguments.device}, {arguments.questions} questions behind {arguments.prefix:,} tokens of "
            "demonstrations"
        )
    else:
        found, goals = measure(SHAPES[arguments.shape], arguments.device), GOALS
        name, what = arguments.shape, f"{arguments.shape} shape on {arguments.device}"
    shown = table(found, goals, what)
    print(shown)
    if arguments.write:
        file = RESULTS / f"extraction_{name}_{arguments.device}.md"
        write_atomically(file, f"# The reference pipeline against ours\n\n{shown}\n")
    if arguments.json:
        print(json.dumps(found))


def table(found: Mapping[str, float], goals: Mapping[str, str], what: str) -> str:
    """The figures beside their goals, and the machine."""
    lines = [
        f"{what}, {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n",
        "| figure | measured | goal |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {name} | {value:.3g} | {goals.get(name, '')} |" for name, value in found.items())])


def measure(shape: Shape, device: str) -> dict[str, float]:
    """All figures."""
    found = compare(build(shape, device), tokenizer(), texts(shape), shape)
    few, many = (memory("ours", 131_072, tokens) for tokens in (5_000, 50_000))
    plain_few, plain_many = (memory("reference", 131_072, tokens) for tokens in (1_000, 3_000))
    found["memory_growth"] = many / few
    found["reference_memory_mb_per_token"] = (plain_many - plain_few) / 2_000
    found["dims_cost_growth"] = dims_cost(shape, device)
    return found


def measure_real(spec: ModelSpec, prefix: int, questions: int) -> dict[str, float]:
    """The figures that depend on the model, and those of the other stages."""
    from stage_costs import scoring, tuning

    network, words = load_model(spec), load_tokenizer(spec)
    shape = Shape.of(network, prefix=prefix, questions=questions)
    vocabulary = common_words(words)
    found = compare(network, words, texts(shape, vocabulary=vocabulary), shape)
    return found | scoring(network, words, vocabulary) | tuning(spec, shape, vocabulary)


def extractor(network: PreTrainedModel, words: Any, sae: SparseAutoencoder, shape: Shape) -> Extractor:
    """Ours, with budgets that take everything."""
    tokens = 2 * shape.questions * shape.question  # a word may be more than a token
    settings = PredictSettings(
        shift_tokens=tokens, domain_tokens=tokens, top_n=100, context=16_000, batch_tokens=1024, chat_template=False
    )
    return assemble(network, words, sae, settings)


def compare(network: PreTrainedModel, words: Any, data: tuple[TrainingSet, Domain], shape: Shape) -> dict[str, float]:
    """Both pipelines in turn, and their agreement."""
    training, domain = data
    sae = autoencoder(shape, shape.d_sae, str(network.device))
    ours = extractor(network, words, sae, shape)
    positions = list(range(len(domain.questions)))
    shift = measure_shift(ours, training, 0, silent)
    plain = Reference(ours, shape)
    seconds: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        wait(network)
        start = time.perf_counter()
        result = work()
        wait(network)
        seconds.setdefault(name, []).append(time.perf_counter() - start)
        return result

    shares = []
    for _ in range(3):
        rates = [matmul_rate(network)]
        mine = timed("step1", lambda: measure_shift(ours, training, 0, silent))
        rates.append(matmul_rate(network))
        shares.append(flops(shape) / max(rates) / seconds["step1"][-1])
        read = timed("icl", lambda: read_domain(ours, domain, {shift.seed: shift.features}, {0: positions}))
    theirs = timed("reference step1", lambda: plain.shift(training, shift))
    icl, act = timed("reference icl", lambda: plain.icl(domain, shift, positions))
    alone = timed("reference act", lambda: plain.act(domain, shift, positions))
    for _ in range(3):
        timed("act", lambda: act_only(ours, domain, shift))
    own = read.questions[0]
    tolerance = TOLERANCE[network.dtype]
    _agree("step 1", mine.score, theirs, tolerance)
    _agree("STS_ICL", [own[p].sts_icl for p in positions], icl, tolerance)
    _agree("STS_act", [own[p].sts_act for p in positions], act, tolerance)
    _agree("STS_act alone", alone, act, tolerance)
    took = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "step1_speedup": took["reference step1"] / took["step1"],
        "sts_icl_speedup": took["reference icl"] / took["icl"],
        "sts_act_speedup": took["reference act"] / took["act"],
        "roofline_share": statistics.median(shares),
    }


def act_only(ours: Extractor, domain: Domain, shift: Shift) -> list[float]:
    """STS_act alone: questions without demonstrations, chosen columns."""
    turns = {number: ours.prompter.turn(question.text) for number, question in enumerate(domain.questions)}
    alone = Context.of("alone", ours, ours.prompter.demonstrations([]), turns)
    encoder = ours.autoencoder.encoder(list(shift.features))
    scores = [0.0] * len(turns)
    for row in Reading(ours, turns, alone).rows():
        for number, states in row.by_question(encoder(row.alone)).items():
            scores[number] = float(states.mean(dim=0).sum())
    return scores


class Reference:
    """The plain way."""

    def __init__(self, ours: Extractor, shape: Shape) -> None:
        """The same model, SAE and prompts."""
        self._ours = ours
        self._layer = shape.hook + 1

    @torch.inference_mode()
    def dump(self, prefix: Sequence[int], turn: Any) -> torch.Tensor:
        """Features of a question's tokens: every layer, the head, all features. Shape (n, d_sae)."""
        model = self._ours.reader.model
        ids = torch.tensor([[*prefix, *turn.ids]], device=model.device)
        states = model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states[self._layer]
        span = torch.tensor(turn.span, device=states.device) + len(prefix)
        return self._ours.autoencoder.sae.encode(states[0, span].float())

    def shift(self, training: TrainingSet, done: Shift) -> np.ndarray:
        """Step 1 on the demonstrations and questions that ours drew."""
        prompter = self._ours.prompter
        shown = [training.examples[index] for index in done.demonstrations]
        before, after = (prompter.demonstrations(list(examples)).prefixes[-1] for examples in ((), shown))
        rest = [index for index in range(len(training.examples)) if index not in done.demonstrations]
        turns = [prompter.turn(training.examples[index].question) for index in rest[: done.n_questions]]
        dumps = [(self.dump(before, turn), self.dump(after, turn)) for turn in turns]
        differences = [(b - a).square().mean(dim=0) for a, b in dumps]
        return np.asarray(torch.stack(differences).double().mean(dim=0).cpu().numpy())

    def icl(self, domain: Domain, done: Shift, positions: Sequence[int]) -> tuple[list[float], list[float]]:
        """STS_ICL and, from the same dumps, STS_act."""
        from sts_eval.data.sampling import shuffled

        prompter, top = self._ours.prompter, list(done.features)
        order = shuffled(len(domain.demonstrations), 0, "demonstrations", domain.name)
        shown = [domain.demonstrations[index] for index in order]
        before, after = (prompter.demonstrations(list(examples)).prefixes[-1] for examples in ((), shown))
        turns = [prompter.turn(domain.questions[position].text) for position in positions]
        dumps = [(self.dump(before, turn), self.dump(after, turn)) for turn in turns]
        icl = [float((b - a)[:, top].square().mean(dim=0).sum()) for a, b in dumps]
        return icl, [float(a[:, top].mean(dim=0).sum()) for a, _ in dumps]

    def act(self, domain: Domain, done: Shift, positions: Sequence[int]) -> list[float]:
        """STS_act."""
        prompter, top = self._ours.prompter, list(done.features)
        before = prompter.demonstrations([]).prefixes[0]
        turns = [prompter.turn(domain.questions[position].text) for position in positions]
        dumps = [self.dump(before, turn) for turn in turns]
        return [float(one[:, top].mean(dim=0).sum()) for one in dumps]


def memory(what: str, d_sae: int, tokens: int) -> float:
    """Peak memory in MB of a process of its own that reads so many tokens."""
    words = [sys.executable, __file__, "--peak", what, str(d_sae), str(tokens)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 -- our own script
    return float(done.stdout.split()[-1])


def peak_of(what: str, d_sae: int, tokens: int) -> float:
    """In that process, as Linux counts it: `getrusage` would give the parent's peak where that was higher."""
    question = 50
    shape = Shape(32, 2, 2, 64, 4096, d_sae, prefix=120, question=question, questions=tokens // question)
    training, _ = texts(Shape(**{**shape.__dict__, "prefix": 2 * question + 40}))
    ours = extractor(build(shape, "cpu"), tokenizer(), autoencoder(shape, d_sae, "cpu"), shape)
    if what == "ours":
        measure_shift(ours, training, 0, silent)
    else:
        empty = ours.prompter.demonstrations([]).prefixes[0]
        plain = Reference(ours, shape)
        kept = [plain.dump(empty, ours.prompter.turn(row.question)) for row in training.examples]
        assert len(kept) == len(training.examples)  # noqa: S101 -- keeps the dumps alive until here
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def dims_cost(shape: Shape, device: str) -> float:
    """Time of step 2 at d_sae 131,072 over that at 16,384, with 100 chosen dims."""
    network, (training, domain) = build(shape, device), texts(shape)
    positions = list(range(len(domain.questions)))
    ours = [extractor(network, tokenizer(), autoencoder(shape, d_sae, device), shape) for d_sae in (16_384, 131_072)]
    took: list[list[float]] = [[], []]
    for _ in range(5):
        for which, one in enumerate(ours):
            wait(network)
            start = time.perf_counter()
            read_domain(one, domain, {0: range(100)}, {0: positions})
            wait(network)
            took[which].append(time.perf_counter() - start)
    del training
    return statistics.median(took[1]) / statistics.median(took[0])


def _agree(name: str, mine: Any, theirs: Any, tolerance: float) -> None:
    mine, theirs = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
    worst = float(np.abs(mine - theirs).max() / np.abs(theirs).max())
    print(f"{name}: largest difference {worst:.1e} of the largest value", flush=True)
    if worst > tolerance:
        raise SystemExit(f"{name} differs by more than {tolerance}")


if __name__ == "__main__":
    main()
