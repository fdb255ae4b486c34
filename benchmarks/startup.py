"""Does the package slow down what people start often: its own `--help`, and lm-eval's list of tasks?

    python benchmarks/startup.py [--repeats 5] [--write]

`lm_eval ls tasks` is run from two copies of the installed lm-eval that differ in our tasks alone, in turn. Times are
processor seconds of the whole process, so that another job on the machine counts little; the ratio is of medians.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "startup.md"

OURS = Path("lm_eval", "tasks", "sts_eval")


def main() -> None:
    """Measure, print, and keep the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULT.name}")
    arguments = parser.parse_args()
    helped = statistics.median(seconds([sys.executable, "-m", "sts_eval.cli", "--help"]) for _ in range(10))
    with_us, without = listing(arguments.repeats)
    table = "\n".join(
        [
            f"{platform.machine()}, Python {platform.python_version()}, median of {arguments.repeats} (help: of 10)\n",
            "| what | measured | goal |",
            "|---|---|---|",
            f"| `sts-eval --help`, processor seconds | {helped:.2f} | < 0.3 |",
            f"| `lm_eval ls tasks`, with our tasks over without | {with_us / without:.3f} | no slower |",
        ]
    )
    print(table)
    if arguments.write:
        RESULT.write_text(f"# Start-up\n\n`python benchmarks/startup.py --write`: {table}\n", encoding="utf-8")


def listing(repeats: int) -> tuple[float, float]:
    """Median processor seconds of `lm_eval ls tasks`, with our tasks and without."""
    found = importlib.util.find_spec("lm_eval")
    if found is None or found.origin is None:
        raise SystemExit("lm-eval is not installed")
    took: tuple[list[float], list[float]] = [], []
    with tempfile.TemporaryDirectory() as folder:
        copies = Path(folder, "with"), Path(folder, "without")
        for copy in copies:
            shutil.copytree(Path(found.origin).parent, copy / "lm_eval")
        if not (copies[0] / OURS).is_dir():
            raise SystemExit("our tasks are not among lm-eval's; install the package")
        shutil.rmtree(copies[1] / OURS)
        command = [sys.executable, "-m", "lm_eval", "ls", "tasks"]
        for turn in range(repeats + 1):
            for copy, times in zip(copies, took, strict=True):
                spent = seconds(command, {"PYTHONPATH": str(copy)})
                if turn:  # the first one fills the file cache
                    times.append(spent)
    return statistics.median(took[0]), statistics.median(took[1])


def seconds(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Processor seconds that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 -- our own words
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
