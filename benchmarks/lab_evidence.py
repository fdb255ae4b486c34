"""The lab's figures in docs/evidence-lab.md, docs/evidence.md and README.md, from the committed runs of the lab matrix.

    python benchmarks/lab_evidence.py

Reads benchmarks/results/lab_matrix.jsonl (see lab_matrix.py), compares and calibrates as `sts-eval compare` and
`sts-eval calibrate` do, and renews the documents' blocks (see evidence_blocks.py). The full comparison goes to
benchmarks/results/.
"""

from __future__ import annotations

from collections.abc import Sequence

from evidence_blocks import (
    ASKED,
    RESULTS,
    ROOT,
    added,
    ceilings,
    changes,
    headline,
    points,
    ranking,
    renew,
    runs,
)

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.calibrate import calibrate
from sts_eval.analysis.compare import compare_runs
from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import Comparison, Measure
from sts_eval.records.outcome import Outcome, read_outcomes
from sts_eval.reporting.files import write_comparison

MATRIX = RESULTS / "lab_matrix.jsonl"
DOCUMENTS = (ROOT / "docs" / "evidence-lab.md", ROOT / "docs" / "evidence.md", ROOT / "README.md")
BY: tuple[Measure, ...] = ("accuracy", "logprob")


def main() -> None:
    """Compare, calibrate, and fill in the documents."""
    outcomes = read_outcomes(MATRIX)
    comparison = compare_runs(outcomes)
    write_comparison(comparison, align(outcomes), RESULTS / "lab_comparison")
    renew(DOCUMENTS, generated(outcomes, comparison, (calibrate(outcomes), calibrate(outcomes, history="same-set"))))


def generated(
    outcomes: Sequence[Outcome], comparison: Comparison, calibrations: tuple[Calibration, Calibration]
) -> dict[str, str]:
    """All blocks by name."""
    blocks = {
        "runs": runs(outcomes, comparison),
        "changes": changes(outcomes),
        "ceilings": ceilings(comparison, BY),
        "verdict": "\n".join(f"- {line}" for line in comparison.verdict),
        "added": added(comparison),
        "points": points(calibrations[0]),
        "points same set": points(calibrations[1]),
        "headline": headline(comparison, "accuracy"),
        "headline logprob": headline(comparison, "logprob"),
        "headline logprob_per_token": headline(comparison, "logprob_per_token"),
    }
    for question in ASKED:
        for measure in BY:
            blocks[f"{question} {measure}"] = ranking(comparison, question, measure)
    for name in ("lab_claims", "lab_few_shot", "lab_combination", "real_lexical"):
        file = RESULTS / f"{name}.md"
        if file.is_file():
            blocks[name] = file.read_text(encoding="utf-8").strip()
    return blocks


if __name__ == "__main__":
    main()
