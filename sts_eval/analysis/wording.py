"""What questions and measures are called, and how figures are written, in verdicts, tables and plots alike."""

from sts_eval.records.comparison import Ends, Measure, Question

QUESTIONS: dict[Question, str] = {
    "how_much": "How much a domain changes",
    "which_way": "Which way it changes",
    "which_way_away": "Which way it changes, home domains left out",
    "which_set": "Which set helps which domain",
    "which_set_away": "Which set helps which domain, home domains left out",
    "how_much_debiased": "How much a domain changes, noise taken off",
}

MEASURES: dict[Measure, str] = {
    "accuracy": "accuracy",
    "acc_norm": "accuracy by likelihood per character",
    "logprob": "log-probability",
    "logprob_per_token": "log-probability per token",
}

UNITS: dict[Measure, str] = {"accuracy": "points", "acc_norm": "points", "logprob": "nats", "logprob_per_token": "nats"}

SMALLEST_P = 0.001  # below this three decimals would print 0


def signed(value: float | None) -> str:
    """Two decimals with a sign, and no minus before a zero; a dash where there is no value."""
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}"


def unsigned(value: float | None) -> str:
    """Two decimals without a plus; a dash where there is no value."""
    return "–" if value is None else f"{value:.2f}"


def interval(ends: Ends | None) -> str:
    """Both ends of an interval."""
    return f"[{signed(ends[0])}, {signed(ends[1])}]" if ends else "–"


def p_value(value: float | None) -> str:
    """A p with three decimals, or its order where that would print 0."""
    return "–" if value is None else f"{value:.3f}" if value >= SMALLEST_P else f"{value:.0e}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where there are several."""
    return f"{number} {noun}{'s' * (number != 1)}"
