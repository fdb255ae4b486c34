"""The training sets of the real matrix: rows that contain a question of a benchmark are left out.

    python benchmarks/real_data.py SETS... --benchmark data/mmlu_rest --benchmark data/mmlu_pro_large --output data/sets

A row that the benchmark asks about would make tuning look better than it is (`sts-eval run` refuses such a set). Rows
are written as they are, one JSON object a line, under the name of the set's file. How many were left out is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sts_eval.data.benchmark import Benchmark, load_benchmark
from sts_eval.data.tables import read_table
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.records.record import write_atomically
from sts_eval.tuning.contamination import find_contamination


def main() -> None:
    """Write every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--benchmark", action="append", required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    try:
        benchmarks = [load_benchmark(BenchmarkSpec(source=source)) for source in given.benchmark]
        for source in given.sets:
            n_rows, n_left_out = write_clean(source, benchmarks, given.output)
            sys.stdout.write(f"{Path(source).name}: {n_rows} rows, {n_left_out} left out\n")
    except UserError as error:
        sys.exit(f"Error: {error}")


def write_clean(source: str, benchmarks: Sequence[Benchmark], output: Path) -> tuple[int, int]:
    """Write the rows of a set that contain no question of the benchmarks. Returns how many are kept and left out.

    Raises:
        UserError: The set cannot be read, or has rows that cannot, so that rows and examples do not correspond.
    """
    loaded = load_training_set(TrainingSetSpec(source=source))
    rows = list(read_table(source, split="train").rows)
    if len(rows) != len(loaded.examples):
        raise UserError(f"{source} has {loaded.left_out} rows that cannot be read", "Remove them first")
    left_out = {row for benchmark in benchmarks for row in find_contamination(loaded.examples, benchmark).rows}
    kept = [json.dumps(dict(row), ensure_ascii=False) for number, row in enumerate(rows) if number not in left_out]
    write_atomically(output / f"{Path(source).stem}.jsonl", "\n".join(kept) + "\n")
    return len(kept), len(left_out)


if __name__ == "__main__":
    main()
