"""Tunings side by side, on the terminal and as Markdown."""

from collections.abc import Sequence
from statistics import fmean

from sts_eval.analysis.beside import SCORES, Tuned
from sts_eval.analysis.wording import QUESTIONS, interval, signed
from sts_eval.records.comparison import Question
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.reinforcement import reinforcement_cells
from sts_eval.reporting.report import overlap_cells
from sts_eval.reporting.terminal import standard_output, text_table

MOVED = "How far each tuning moved the model, mean of its seeds"
MOVED_HEADER = ("run", "method", "seeds", "loss", "reward", "change ± SE", "KL ± SE", "cut", "mean |Δ|")
FORETOLD = "Predicted and actually shifted SAE features, mean of tuned seeds"
FORETOLD_HEADER = ("run", "demonstrations", "N", "in both", "null of equal activity", "largest p", "N carry")
ASKED: tuple[Question, ...] = ("which_way", "how_much")
NOTE = (
    "Loss: of held-out solutions, nats per token, untuned → tuned. Reward: of answers sampled to held-out rows; its "
    "error is over rows, paired, and over seeds. KL: tuned from untuned model, nats per token of the tuned model's "
    "answers. Mean |Δ|: of accuracy over domains, points, noise included. Cut: share of its answers that ran into the "
    "limit. In both: of the N features that demonstrations shift most and the N that the tuning shifted most. N carry: "
    "share of all change that the N most shifted carry."
)
STS_NOTE = (
    "STS with the features that demonstrations shift (ground truth; on_policy: the untuned model's own accepted "
    "answers), and oracle: with the features that the tuning shifted, of its first seed. Pearson's r over domains, 95% "
    "interval by bootstrap over domains."
)


def print_side_by_side(runs: Sequence[Tuned]) -> None:
    """Print how far each tuning moved, its predicted and actual features, and STS with either."""
    console = standard_output()
    console.print(text_table(MOVED, MOVED_HEADER, moved_rows(runs), left=("run", "method"), dense=True))
    left = ("run", "demonstrations")
    console.print(text_table(FORETOLD, FORETOLD_HEADER, foretold_rows(runs), left=left, dense=True))
    console.print(NOTE, style="dim", markup=False, highlight=False)
    for question in ASKED:
        header, rows = correlation_table(runs, question)
        title = f"{QUESTIONS[question]} (accuracy)"
        console.print(text_table(title, header, rows, left=("score",), dense=True))
    console.print(STS_NOTE, style="dim", markup=False, highlight=False)


def markdown(runs: Sequence[Tuned]) -> str:
    """The same tables as Markdown."""
    lines = [f"### {MOVED}", *pipe_table(MOVED_HEADER, moved_rows(runs))]
    lines += [f"### {FORETOLD}", *pipe_table(FORETOLD_HEADER, foretold_rows(runs)), NOTE, ""]
    for question in ASKED:
        lines += [f"### {QUESTIONS[question]} (accuracy)", *pipe_table(*correlation_table(runs, question))]
    return "\n".join([*lines, STS_NOTE, ""])


def moved_rows(runs: Sequence[Tuned]) -> list[list[str]]:
    """A row for each run."""
    return [
        [
            run.name,
            run.tuning.settings.method,
            str(len(run.tuning.runs)),
            f"{_mean(run, 'loss_before'):.3f} → {_mean(run, 'loss_after'):.3f}",
            *reinforcement_cells([seed.reinforcement for seed in run.tuning.runs if seed.reinforcement]),
            f"{fmean(abs(row.delta) for row in run.report.rows):.1f}",
        ]
        for run in runs
    ]


def foretold_rows(runs: Sequence[Tuned]) -> list[list[str]]:
    """A row for each run, kind of demonstrations and N."""
    rows = []
    for run in runs:
        own = "on_policy" if run.prediction.experiment.settings.demonstrations == "on_policy" else "ground_truth"
        for shown, spaces in (
            (own, [one.spaces for one in run.report.overlaps]),
            ("on_policy", [one.on_policy for one in run.report.overlaps]),
        ):
            features = [space for seed in spaces for space in seed if space.space == "sae"]
            rows += [[run.name, shown, *cells] for cells in overlap_cells(features)]
    return rows


def correlation_table(runs: Sequence[Tuned], question: Question) -> tuple[list[str], list[list[str]]]:
    """Head and rows: STS's scores by run."""
    found = [run.rows(question) for run in runs]
    rows = []
    for name in SCORES:
        if any(name in own for own in found):
            cells = [own.get(name) for own in found]
            rows.append(
                [name, *("–" if row is None else f"{signed(row.r)} {interval(row.bootstrap)}" for row in cells)]
            )
    return ["score", *(run.name for run in runs)], rows


def _mean(run: Tuned, name: str) -> float:
    values: list[float] = [getattr(seed, name) for seed in run.tuning.runs]
    return fmean(values)
