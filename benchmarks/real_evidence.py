"""The figures about real models in docs/evidence.md and README.md, from the committed runs of the real matrix.

    python benchmarks/real_evidence.py --collect SWEEPS   # first writes the finished runs of real_matrix.yaml in short
    python benchmarks/real_evidence.py

Reads benchmarks/results/real_BENCHMARK.jsonl, one file a benchmark, compares as `sts-eval compare` does, and renews the
documents' blocks (see evidence_blocks.py). The measure that leads is the log-probability of the right option per token:
by it, set × domain can be told from noise (benchmarks/results/real_trials.md). The full comparisons go to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from evidence_blocks import ASKED, RESULTS, ROOT, ceilings, changes, headline, ranking, renew, runs

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.names import set_name
from sts_eval.analysis.runs import outcome_of
from sts_eval.records.comparison import Comparison, Measure
from sts_eval.records.outcome import Outcome, read_outcomes, write_outcomes
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.files import write_comparison
from sts_eval.reporting.plots import panels

DOCUMENTS = (ROOT / "docs" / "evidence.md", ROOT / "README.md")
BENCHMARKS = ("mmlu_rest", "mmlu_pro_large")
IMAGES = ROOT / "docs" / "images"
LEADS: Measure = "logprob_per_token"
BY: tuple[Measure, ...] = ("logprob_per_token", "logprob", "acc_norm", "accuracy")


def main() -> None:
    """Collect if asked, compare, and fill in the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collect", type=Path, metavar="SWEEP", nargs="+")
    arguments = parser.parse_args()
    if arguments.collect:
        collect(arguments.collect)
    blocks: dict[str, str] = {}
    for name in BENCHMARKS:
        file = RESULTS / f"real_{name}.jsonl"
        if file.is_file():
            outcomes = read_outcomes(file)
            comparison, aligned = compare_runs(outcomes), align(outcomes)
            write_comparison(comparison, aligned, RESULTS / f"real_{name}_comparison")
            panels(comparison, aligned, LEADS).savefig(IMAGES / f"real-{name}.png", dpi=110)
            blocks |= {f"{name} {block}": text for block, text in generated(outcomes, comparison).items()}
    renew(DOCUMENTS, blocks)


def collect(sweeps: Sequence[Path]) -> None:
    """Write the finished runs of some sweeps in short, a file a benchmark."""
    found: dict[str, list[Outcome]] = {}
    for folder in (one for sweep in sweeps for one in sorted((sweep / "runs").iterdir())):
        files = RunFolder.of(folder)
        if files.report.is_file():
            made = files.record_named(Prediction, Report.read(files.report).prediction_sha256)
            found.setdefault(set_name(made.benchmark.source), []).append(outcome_of(folder, questions=True))
    for name, outcomes in found.items():
        write_outcomes(RESULTS / f"real_{name}.jsonl", tuple(outcomes))
        print(f"{len(outcomes)} runs on {name}")


def generated(outcomes: Sequence[Outcome], comparison: Comparison) -> dict[str, str]:
    """The blocks of one benchmark by name."""
    blocks = {
        "runs": runs(outcomes, comparison),
        "ceilings": ceilings(comparison, BY),
        "verdict": "\n".join(f"- {line}" for line in comparison.verdict),
    }
    for measure in BY:
        blocks[f"changes {measure}"] = changes(outcomes, measure)
        blocks[f"headline {measure}"] = headline(comparison, measure)
        for question in ASKED:
            blocks[f"{question} {measure}"] = ranking(comparison, question, measure)
    return blocks


if __name__ == "__main__":
    main()
