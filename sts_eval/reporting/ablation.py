"""A zero-ablation on the terminal, as Markdown and as a plot."""

import io
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from matplotlib.figure import Figure

from sts_eval.analysis.ablation import MEASURES, conclusions
from sts_eval.analysis.names import model_name, set_name
from sts_eval.records.ablation import SET_NAMES, Ablation, Effect, FeatureSet, Measure
from sts_eval.records.record import write_atomically
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.plots import LINE
from sts_eval.reporting.terminal import standard_output, text_table, warn

FILES = ("ablation.json", "ablation.md", "ablation.png")
HEADS: dict[Measure, str] = {
    "target": "training set, nats/token",
    "logprob": "domains, nats",
    "accuracy": "domains, points",
}
COLOURS: dict[FeatureSet, str] = {
    "predicted": "#b02a4c",
    "actual": "#6a3d9a",
    "most_active": "#c2752d",
    "matched": "#3b78a8",
    "random": "#8a8a8a",
}

CURVES_HEADER = ("model", "features at zero", "count", *(HEADS[measure] for measure in MEASURES))
CONTRASTS = "Predicted less random features, 95% interval (negative: predicted features hurt more)"
CONTRASTS_HEADER = ("model", "count", "against", *(HEADS[measure] for measure in MEASURES), "activity")
AGAINST: tuple[FeatureSet, ...] = ("matched", "random")
DOMAINS_HEADER = ("domain", "predicted: Δ log p", "Δ points", "matched: Δ log p", "Δ points")
BALANCE_HEADER = ("features", "count", "firing frequency", "mean activation")


def print_ablation(ablation: Ablation) -> None:
    """Print curves, domains at the headline count, and conclusions."""
    console = standard_output()
    console.print(text_table(title(ablation), CURVES_HEADER, curve_rows(ablation), left=CURVES_HEADER[:2]))
    console.print(
        text_table(CONTRASTS, CONTRASTS_HEADER, contrast_rows(ablation), left=("model", "against"), dense=True)
    )
    for line in ablation.left_out:
        warn(console, f"Left out: {line}.")
    for line in conclusions(ablation):
        console.print(f"• {line}", markup=False, highlight=False)


def write_ablation(ablation: Ablation, folder: Path) -> list[Path]:
    """Write the record, Markdown and the plot into a folder; return their paths.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = [folder / name for name in FILES]
    ablation.write(paths[0])
    write_atomically(paths[1], markdown(ablation))
    drawn = io.BytesIO()
    curves(ablation).savefig(drawn, format="png", dpi=150)
    write_atomically(paths[2], drawn.getvalue())
    return paths


def title(ablation: Ablation) -> str:
    """What was measured."""
    questions = sum(map(len, ablation.questions.values()))
    return (
        f"{model_name(ablation.model)}, {set_name(ablation.training_set)}: change when features at "
        f"{ablation.hook_name} are zero ({questions} questions, {len(ablation.rows)} held-out rows; ± standard error)"
    )


def markdown(ablation: Ablation) -> str:
    """The whole result as a document."""
    lines = ["# Zero-ablation", "", title(ablation) + ".", "", *(f"- {line}" for line in conclusions(ablation))]
    lines += [f"- Left out: {line}." for line in ablation.left_out]
    lines += ["", f"![Curves]({FILES[2]})", "", "## Curves", "", _levels(ablation)]
    lines += pipe_table(CURVES_HEADER, curve_rows(ablation))
    lines += [f"## {CONTRASTS}", *pipe_table(CONTRASTS_HEADER, contrast_rows(ablation))]
    lines += [f"## By domain, {ablation.headline} features at zero, untuned model"]
    lines += pipe_table(DOMAINS_HEADER, domain_rows(ablation))
    lines += [
        "## How active the sets are",
        "",
        f"As multiples of as many predicted features, on the training set's question tokens; {ablation.n_live} of "
        f"{ablation.n_features} features are live.",
    ]
    rows = [
        [SET_NAMES[one.features], str(one.count), f"{one.frequency:.2f}", f"{one.activation:.2f}"]
        for one in ablation.balances
    ]
    return "\n".join([*lines, *pipe_table(BALANCE_HEADER, rows)])


def curve_rows(ablation: Ablation) -> Iterator[list[str]]:
    """One row per model, set and count."""
    for point in ablation.points:
        figures = [_figure(getattr(point, measure), places(measure)) for measure in MEASURES]
        yield ["tuned" if point.tuned else "untuned", SET_NAMES[point.features], str(point.count), *figures]


def contrast_rows(ablation: Ablation) -> Iterator[list[str]]:
    """One row per model, count and control: predicted features against matched and random ones."""
    models = sorted({point.tuned for point in ablation.points})
    for tuned, name, count in product(models, AGAINST, ablation.settings.counts):
        found = [ablation.contrast(name, count, measure, tuned=tuned) for measure in MEASURES]
        figures = [_interval(one.effect, places(one.measure)) for one in found if one is not None]
        balance = ablation.balance(name, count)
        if balance is not None:
            model = "tuned" if tuned else "untuned"
            yield [model, str(count), name, *figures, f"× {balance.activation:.2f}"]


def domain_rows(ablation: Ablation) -> Iterator[list[str]]:
    """One row per domain: predicted and matched features at the headline count, in the untuned model."""
    points = [ablation.point(name, ablation.headline, tuned=False) for name in ("predicted", "matched")]
    for place, domain in enumerate(ablation.questions):
        row = [domain]
        for point in points:
            if point is None:
                row += ["–", "–"]
            else:
                effect = point.domains[place]
                row += [_figure(effect.logprob, places("logprob")), _figure(effect.accuracy, places("accuracy"))]
        yield row


def curves(ablation: Ablation) -> Figure:
    """The five curves with 95% bands, a column per measure and a row per model."""
    models = sorted({point.tuned for point in ablation.points})
    figure = Figure(figsize=(3.9 * len(MEASURES), 0.6 + 3.1 * len(models)), layout="constrained")
    grid = figure.subplots(len(models), len(MEASURES), squeeze=False, sharex=True)
    for row, tuned in zip(grid, models, strict=True):
        for axes, measure in zip(row, MEASURES, strict=True):
            axes.axhline(0, color=LINE, linewidth=0.8)
            for name, colour in COLOURS.items():
                own = [one for one in ablation.points if (one.features, one.tuned) == (name, tuned)]
                effects: list[Effect] = [getattr(one, measure) for one in own]
                x = [one.count for one in own]
                ends = [one.interval or (one.value, one.value) for one in effects]
                axes.plot(x, [one.value for one in effects], "o-", color=colour, markersize=3, label=SET_NAMES[name])
                if ends:
                    axes.fill_between(x, *zip(*ends, strict=True), color=colour, alpha=0.15)
            axes.set_xscale("log")
            axes.set_xticks(ablation.settings.counts, map(str, ablation.settings.counts), minor=False)
            axes.minorticks_off()
            axes.set_title(f"{'tuned' if tuned else 'untuned'} model: change, {HEADS[measure]}", fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("features at zero")
    grid[0][0].legend(fontsize=7, frameon=False)
    return figure


def places(measure: Measure) -> int:
    """Decimal places of a measure's figures."""
    return 1 if measure == "accuracy" else 3


def _levels(ablation: Ablation) -> str:
    said = [
        f"{'tuned' if one.tuned else 'untuned'} model {one.target:.3f} nats per token on held-out answers, "
        f"{one.logprob:.3f} nats and {one.accuracy:.1f}% over all domains"
        for one in ablation.levels
    ]
    return f"With none at zero: {'; '.join(said)}."


def _interval(effect: Effect, digits: int) -> str:
    ends = "" if effect.interval is None else " [{:+.{d}f}, {:+.{d}f}]".format(*effect.interval, d=digits)
    return f"{effect.value:+.{digits}f}{ends}"


def _figure(effect: Effect, digits: int) -> str:
    error = "" if effect.se is None else f" ± {effect.se:.{digits}f}"
    return f"{effect.value:+.{digits}f}{error}"
