"""How long should a row be on a CPU? Time of scoring options against the length of the rows, on a real model.

    python benchmarks/row_lengths.py MODEL BENCHMARK [--questions 6]

A row holds many questions, and attention is computed over the whole of it. The table has the processor's time (not the
clock's) as a ratio to that of the longest rows. Each length is taken twice, in turn, and the lower time counts.
"""

from __future__ import annotations

import argparse
import sys
import time

from sts_eval.data.benchmark import load_benchmark
from sts_eval.experiment import BenchmarkSpec
from sts_eval.transfer import packed_lm

LENGTHS = (256, 384, 512, 768, 1024)


def main() -> None:
    """Score some questions of each domain in rows of each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("benchmark")
    parser.add_argument("--questions", type=int, default=6, help="of each domain")
    arguments = parser.parse_args()
    model = packed_lm.PackedLM(pretrained=arguments.model, device="cpu", batch_size=1)
    domains = load_benchmark(BenchmarkSpec(source=arguments.benchmark)).domains.values()
    requests = []
    for question in (one for domain in domains for one in domain.questions[: arguments.questions]):
        context = f"{question.text}\nAnswer:"
        for choice in question.choices:
            texts = (context, f" {choice}")
            requests.append((texts, *model._encode_pair(*texts)))
    seconds: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for length in LENGTHS * 2:
        packed_lm.TOKENS_PER_ROW["cpu"] = length
        start = time.process_time()
        model._loglikelihood_tokens(requests, disable_tqdm=True)
        seconds[length].append(time.process_time() - start)
    longest = min(seconds[LENGTHS[-1]])
    sys.stdout.write("| tokens in a row | time |\n| --- | --- |\n")
    sys.stdout.writelines(f"| {length} | {min(taken) / longest:.2f} |\n" for length, taken in seconds.items())


if __name__ == "__main__":
    main()
