"""A mixture, and an experiment with arms, as tables: on a terminal and in Markdown."""

from collections.abc import Sequence
from pathlib import Path

from sts_eval.analysis.wording import MEASURES, UNITS, counted
from sts_eval.records.arm_comparison import ArmComparison, ArmResult, Estimate
from sts_eval.records.calibration import ExpectedChange
from sts_eval.records.mixture import Arms, Mixture, PoolUse, SelfDistillation
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.terminal import standard_output, text_table, warn

DIGITS = {"accuracy": 1, "logprob": 3}


def mixture_title(mixture: Mixture) -> str:
    """What is added to what, and by which weights."""
    return f"{mixture.budget} rows to add to {Path(mixture.training_set.source).name} by {mixture.by}"


def print_mixture(mixture: Mixture) -> None:
    """Print how many rows of every domain are added and why, and what became of the pool."""
    console = standard_output()
    domains = mixture.domains
    calibrated = any(one.expected for one in domains)
    header = ["domain", "score", "share", "rounded", "wanted", "there", "taken", "why"]
    if calibrated:
        header.insert(2, "expected points (80%)")
    rows = []
    for one in domains:
        score = "–" if one.score is None else f"{one.score:.4g}"
        counts = [str(count) for count in (one.rounded, one.wanted, one.there, one.taken)]
        row = [one.domain, score, f"{one.share:.1%}", *counts, one.why]
        if calibrated:
            row.insert(2, _expected(one.expected))
        rows.append(row)
    console.print(text_table(mixture_title(mixture), header, rows, left=("domain", "why"), fold=("why",)))
    unlike = f"{mixture.unlike_equal} of {mixture.budget} rows would be of another domain if all weights were equal."
    lines = [mixture.meaning, unlike, *_pool_lines(mixture.use)]
    if any(one.rounded != one.wanted for one in domains):
        total = sum(one.rounded for one in domains)
        lines.append(
            f"Shares rounded one by one, as the paper has it, come to {total} rows; largest remainders give the budget."
        )
    if mixture.self_distillation is not None:
        lines.append(_distilled_line(mixture.self_distillation))
    for line in lines:
        console.print(line, markup=False, highlight=False)
    for note in mixture.notes:
        warn(console, note)


def print_arms(arms: Arms) -> None:
    """Print the arms of an experiment."""
    console = standard_output()
    header = ("arm", "rows added", "unlike equal", "training set", "oracle")
    rows = [
        [arm.name, str(arm.added), str(arm.unlike_equal), arm.file, "yes" if arm.oracle else ""] for arm in arms.arms
    ]
    console.print(text_table("Arms", header, rows, left=("arm", "training set")))
    for name, reason in arms.not_made.items():
        warn(console, f"No arm {name}: {reason}.")
    for note in arms.notes:
        warn(console, note)
    if not arms.target:
        console.print(
            "No target domain is known; training_set.home in the experiment file names it.",
            markup=False,
            highlight=False,
        )


def print_arm_comparison(comparison: ArmComparison) -> None:
    """Print the one table of an experiment with arms, and what follows from it."""
    console = standard_output()
    header, rows = arm_table(comparison)
    console.print(text_table(_title(comparison), header, rows, left=header[:1], dense=True))
    for line in _reading(comparison):
        console.print(line, markup=False, highlight=False, style="dim")
    for line in comparison.conclusions:
        console.print(f"• {line}", markup=False, highlight=False)
    for name, reason in comparison.missing.items():
        warn(console, f"Arm {name} is not in the table: {reason}.")


def arm_comparison_markdown(comparison: ArmComparison) -> str:
    """The same as Markdown."""
    header, rows = arm_table(comparison)
    lines = [f"# {_title(comparison)}", *pipe_table(header, rows), *_reading(comparison), ""]
    lines += [f"- {line}" for line in comparison.conclusions]
    lines += [f"- Arm {name} is not in the table: {reason}." for name, reason in comparison.missing.items()]
    return "\n".join(lines) + "\n"


def arm_table(comparison: ArmComparison) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a column for each arm, a row for each domain, and rows that sum up."""
    results, digits = comparison.results, DIGITS[comparison.measure]
    header = ["domain", *(one.name + (" (O)" if one.oracle else "") for one in results)]
    marked = dict.fromkeys(comparison.target, " (target)")
    rows = [
        [
            domain.domain + marked.get(domain.domain, ""),
            *(_estimate(one.domains[place].change, digits) for one in results),
        ]
        for place, domain in enumerate(results[0].domains)
    ]
    rows.append([""] * len(header))
    rows.append(["rows added", *(str(one.added) for one in results)])
    rows.append(["mean, protected", *(_estimate(one.mean, digits) for one in results)])
    rows += _with_interval("less equal", [one.from_equal for one in results], digits)
    rows.append(["worst domain", *(one.worst for one in results)])
    rows.append(["its change", *(_estimate(_worst(one), digits) for one in results)])
    if comparison.target:
        rows.append(["target", *(_estimate(one.target, digits) for one in results)])
        rows += _with_interval("less none (cost)", [one.cost for one in results], digits)
    return header, rows


def _with_interval(name: str, found: Sequence[Estimate | None], digits: int) -> list[list[str]]:
    level = next((one.level for one in found if one is not None), None)
    ends = [
        "–" if one is None or one.low is None or one.high is None else f"{one.low:+.{digits}f} {one.high:+.{digits}f}"
        for one in found
    ]
    told = "" if level is None else f"{level:.1%} interval"
    return [[name, *(_estimate(one, digits) for one in found)], [f"  {told}", *ends]]


def _worst(one: ArmResult) -> Estimate:
    return next(domain.change for domain in one.domains if domain.domain == one.worst)


def _estimate(found: Estimate | None, digits: int) -> str:
    return "–" if found is None else f"{round(found.value, digits) + 0.0:+.{digits}f} ±{found.se:.{digits}f}"


def _title(comparison: ArmComparison) -> str:
    what = f"{MEASURES[comparison.measure]} in {UNITS[comparison.measure]}"
    return f"Change of {what} by arm, mean of {counted(len(comparison.seeds), 'seed')} ± standard error"


def _reading(comparison: ArmComparison) -> list[str]:
    questions = sorted({domain.n for domain in comparison.results[0].domains})
    told = str(questions[0]) if len(questions) == 1 else f"{questions[0]} to {questions[-1]}"
    several = len(comparison.seeds) > 1
    return [
        f"{told} questions a domain, the same in all arms. Errors are paired over questions"
        + (" and seeds." if several else "; those of other training runs are unknown."),
        f"Protected: {', '.join(comparison.protected)}. Differences between arms are paired by question and seed.",
        "The worst domain is picked from noisy changes, so its true change is likely less bad than shown.",
    ]


def _pool_lines(use: PoolUse) -> list[str]:
    lines = [f"Pool: {use.rows} rows, {use.usable} usable" + (f" ({use.left_out})." if use.left_out else ".")]
    if use.assigned:
        accuracy = "unknown" if use.assignment_accuracy is None else f"{use.assignment_accuracy:.0%}"
        lines.append(
            f"{use.assigned} of them name no domain and were assigned to the most similar one; the same rule puts "
            f"{accuracy} of the benchmark's own questions into their domain."
        )
    return lines


def _distilled_line(distilled: SelfDistillation) -> str:
    how = "the likeliest token at each step" if not distilled.temperature else f"temperature {distilled.temperature:g}"
    return (
        f"Targets are the untuned model's own answers ({how}, at most {distilled.answer_tokens} tokens): "
        f"{distilled.asked} rows asked, of which were dropped {distilled.unfinished} that did not end and "
        f"{distilled.empty} that were empty."
    )


def _expected(change: ExpectedChange | None) -> str:
    if change is None:
        return "–"
    if change.low80 is None or change.high80 is None:
        return f"{change.points:+.1f}"
    return f"{change.points:+.1f} ({change.low80:+.1f} to {change.high80:+.1f})"
