"""A calibration on the terminal: its line, its error on runs it has not seen, and predictions in points."""

from rich.console import Console
from rich.table import Table

from sts_eval.analysis.expected_change import expected, left_out
from sts_eval.analysis.wording import signed, unsigned
from sts_eval.records.calibration import Calibration, Equation, ExpectedChange, HoldOut
from sts_eval.records.prediction import Prediction
from sts_eval.reporting.terminal import standard_output, text_table, warn


def print_calibration(calibration: Calibration) -> None:
    """Print the line, the table of its errors, and what there was too little of."""
    console = standard_output()
    n_runs, n_models, n_sets = calibration.n_runs, calibration.n_models, calibration.n_training_sets
    sizes = f"{n_runs} runs, {n_models} models, {n_sets} training sets, {len(calibration.domains)} domains"
    console.print(f"{sizes}, {calibration.n_points} points.", highlight=False)
    if calibration.equation is not None:
        console.print(equation_text(calibration.equation), markup=False, highlight=False)
        console.print(error_table(calibration))
        for one in calibration.hold_outs:
            if one.skill_same_set is not None:
                console.print(
                    f"Without {_group(one)}, the domain's mean in other models' runs on the same set, with no line "
                    f"fitted, has RMSE {unsigned(one.rmse_same_set)}; skill against it: {signed(one.skill_same_set)}.",
                    highlight=False,
                )
        console.print(coverage_table(calibration))
        console.print(
            "Scores are standardised over the domains of their run. Skill is the share of squared error removed, "
            "against: nothing changes, the run's own mean (known only afterwards), the domain's mean in other runs. "
            "The interval of the share is binomial, as if points were independent. Predictions get the larger "
            "half-width of a level.",
            style="dim",
        )
        for one in calibration.hold_outs:
            if calibration.candidates and one.selected:
                ranked = sorted(one.selected.items(), key=lambda item: -item[1])
                counts = ", ".join(f"{name} {n} of {one.n_groups}" for name, n in ranked)
                console.print(f"Chosen without {_group(one)}: {counts}.", markup=False, highlight=False)
    _print_gaps(calibration, console)


def print_expected(calibration: Calibration, prediction: Prediction) -> None:
    """Print a prediction in points, the largest rise first, and the domains that get none.

    Raises:
        UserError: The calibration does not fit the prediction.
    """
    console = standard_output()
    changes, missing = expected(calibration, prediction), left_out(calibration, prediction)
    header = ("domain and likely change", "90%")
    rows = [[sentence(change), _range(change.low90, change.high90)] for change in changes]
    console.print(text_table("Expected change of accuracy", header, rows, left=header[:1], fold=header[:1]))
    for domain, reason in missing.items():
        console.print(f"{domain}: no expected change, {reason}.", markup=False, highlight=False)
    if prediction.sha256() in {source.prediction_sha256 for source in calibration.outcomes}:
        warn(console, "Warning: the calibration was fitted to this run, so its interval does not hold here.")
    _print_gaps(calibration, console)


def sentence(change: ExpectedChange) -> str:
    """One domain in words."""
    text = f"{change.domain} {_points(change.points)} points"
    if change.low80 is None:
        return f"{text}, no interval"
    return f"{text}, likely (80%) {_range(change.low80, change.high80)}"


def error_table(calibration: Calibration) -> Table:
    """Error and skill of every hold-out that has figures."""
    rows = []
    for one in (known for known in calibration.hold_outs if known.rmse is not None):
        skills = (one.skill_zero, one.skill_run_mean, one.skill_domain_mean)
        errors = [unsigned(one.rmse), unsigned(one.mae)]
        rows.append([_group(one), str(one.n_groups), str(one.n_points), *errors, *map(signed, skills)])
    header = ("left out", "groups", "n", "RMSE", "MAE", "skill: zero", "run's mean", "domain's mean")
    return text_table("On runs that the line has not seen", header, rows, left=("left out",))


def coverage_table(calibration: Calibration) -> Table:
    """Half-width and coverage of every hold-out at every level."""
    rows = []
    for one in calibration.hold_outs:
        for level in one.levels:
            half_width = "–" if level.half_width is None else f"±{level.half_width:.1f}"
            share, interval = "–", "–"
            if level.share is not None:
                share, interval = f"{level.share:.0%}", f"[{level.share_low:.0%}, {level.share_high:.0%}]"
            rows.append([_group(one), f"{level.level:.0%}", half_width, share, interval, str(level.n)])
    header = ("left out", "level", "points", "inside", "95% interval", "n")
    return text_table("Intervals, and how many changes fell inside", header, rows, left=("left out",))


def equation_text(equation: Equation) -> str:
    """The line as a formula."""
    parts = [f"{equation.intercept:+.2f}"]
    parts += [f"{term.slope:+.2f} · {term.predictor}" for term in equation.terms]
    if equation.history is not None:
        where = "on the same set" if equation.history.by_set else "in other runs"
        parts.append(f"{equation.history.slope:+.2f} · the domain's mean change {where}")
    return f"Expected change in points = {' '.join(parts)}"


def _print_gaps(calibration: Calibration, console: Console) -> None:
    """What the intervals do not cover."""
    if calibration.too_little is not None:
        warn(console, f"{calibration.too_little}.")
    for one in calibration.hold_outs if calibration.equation is not None else ():
        if one.too_little is not None:
            noun = one.by.replace("_", " ")
            warn(console, f"The error for a new {noun} is not known: {one.too_little}.")


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{_points(low)} to {_points(high)}"


def _points(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}"  # adding 0 turns -0.0 into 0.0


def _group(one: HoldOut) -> str:
    return f"one {one.by.replace('_', ' ')}"
