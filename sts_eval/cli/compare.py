"""`sts-eval compare`: every predictor against what happened, over one run or many."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write JSON, Markdown, CSV and plots here.")
@click.option("--reference", default="sts_icl", show_default=True, help="The predictor to compare the others with.")
@click.option("--post-hoc", is_flag=True, help="Take runs whose prediction is younger than the tuning, and say so.")
@click.option("--all", "everything", is_flag=True, help="Print every row, by log-probability too.")
@click.option("--resamples", default=2000, show_default=True, help="Of every bootstrap and permutation.")
@click.option("--seed", default=0, show_default=True, help="Of the same.")
def command(
    runs: tuple[Path, ...],
    output: Path | None,
    reference: str,
    post_hoc: bool,
    everything: bool,
    resamples: int,
    seed: int,
) -> None:
    """Compare all predictors over RUNS: folders of `sts-eval run`, or .jsonl files of outcomes."""
    from sts_eval.analysis.aligned_runs import align
    from sts_eval.analysis.compare import compare_runs
    from sts_eval.analysis.runs import gather
    from sts_eval.records.record import check_writable
    from sts_eval.report.comparison import print_comparison
    from sts_eval.report.files import COMPARISON_FILES, write_comparison

    if output is not None:
        check_writable(output / COMPARISON_FILES[0])
    outcomes = gather(runs, post_hoc=post_hoc)
    comparison = compare_runs(outcomes, reference=reference, n_resamples=resamples, seed=seed)
    # Written before it is printed: a reader that closes the pipe early costs nothing.
    paths = [] if output is None else write_comparison(comparison, align(outcomes), output)
    print_comparison(comparison, everything=everything)
    if paths:
        click.echo(f"Written: {', '.join(str(path) for path in paths)}")
