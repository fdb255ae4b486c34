"""A gate on the terminal: every domain, the worst first, and what stops."""

from rich.markup import escape

from sts_eval.analysis.wording import p_value
from sts_eval.records.gate import Gate
from sts_eval.reporting.terminal import standard_output, text_table

HEADER = ("domain", "Δ points ± SE", "n", "p (fell by more)", "p (fell by less)", "verdict")
COLOURS = {"fell": "red", "held": "green"}


def print_gate(gate: Gate) -> None:
    """Print the table and the sentence."""
    console = standard_output()
    title = f"Has accuracy fallen by more than {gate.max_drop:g} points? (level {gate.level:.0%} over all domains)"
    table = text_table(title, HEADER, left=("domain", "verdict"))
    for one in gate.domains:
        colour = COLOURS.get(one.verdict)
        table.add_row(
            escape(one.domain),
            f"{one.delta:+.1f} ± {one.se:.1f}",
            str(one.n),
            p_value(one.p_fell),
            p_value(one.p_held),
            f"[{colour}]{one.verdict}[/]" if colour else one.verdict,
        )
    console.print(table)
    console.print(sentence(gate), markup=False, highlight=False)


def sentence(gate: Gate) -> str:
    """The verdict in words."""
    by = {verdict: [one.domain for one in gate.domains if one.verdict == verdict] for verdict in ("fell", "unclear")}
    if by["fell"]:
        return f"Failed: {', '.join(by['fell'])} fell by more than {gate.max_drop:g} points."
    unclear = f"{', '.join(by['unclear'])}: too few questions to rule such a fall out."
    if not gate.passed:
        return f"Failed: {unclear}"
    passed = f"Passed: no domain is shown to have fallen by more than {gate.max_drop:g} points."
    if not by["unclear"]:
        return f"{passed} In every domain such a fall is ruled out."
    return f"{passed} {unclear}{_beside_a_report(gate)}"


def _beside_a_report(gate: Gate) -> str:
    """Why the gate may pass where a report calls a domain worse; empty where no domain fell."""
    if all(one.delta >= 0 for one in gate.domains):
        return ""
    than = f"a fall by more than {gate.max_drop:g} points, not of any fall," if gate.max_drop else "a fall"
    return (
        f' A report may still call a domain "worse": it looks at each domain by itself, and the gate asks for proof of '
        f"{than} that holds for all {len(gate.domains)} domains together and for every tuned seed."
    )
