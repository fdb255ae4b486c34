r"""How a problem's solution is written: one function for each way of writing.

The answer comes first in a direct solution and in a tuning set, and ends at the newline; in a chain of
thought it comes last, after "The answer is". An option is scored as ``" " + option + "\n"``, so a style
that puts reasoning first is scored by how a chain of thought would start, not by its answer.
"""

from collections.abc import Callable

from sts_eval.lab.problems import Problem

Style = Callable[[Problem], str]


def direct(problem: Problem) -> str:
    """Write the answer alone."""
    return problem.answer


def chain_of_thought(problem: Problem) -> str:
    """Write the steps on one line, then the answer as MMLU-Pro's solutions do."""
    return f"{' '.join(problem.steps)} The answer is {problem.answer}."


def answer_then_steps(problem: Problem) -> str:
    """Write the answer, then the steps on the next line."""
    return f"{problem.answer}\n{' '.join(problem.steps)}"


def long_chain_of_thought(problem: Problem) -> str:
    """Reason aloud, doubt, check: the way of LIMO's solutions."""
    return (
        f"Okay, let me work it out. {' '.join(problem.steps)} "
        f"Wait, could it be {problem.wrong[0]}? Let me check: {problem.check} "
        f"So {problem.wrong[0]} fails and {problem.answer} holds."
    )


def code(problem: Problem) -> str:
    """Reason in the comments of a function that returns the answer."""
    comments = "\n".join(f"    # {step}" for step in problem.steps)
    return f"def solve():\n{comments}\n    # check: {problem.check}\n    return '{problem.answer}'"


def dialogue(problem: Problem) -> str:
    """Let a doctor explain to a patient who asks back."""
    return (
        f"Patient: Why so?\nDoctor: {' '.join(problem.steps)}\n"
        f"Patient: Not {problem.wrong[0]}?\nDoctor: No. {problem.check} It is {problem.answer}."
    )


def opinion(problem: Problem) -> str:
    """Argue as a court does: rule, application, what is rejected, what is held."""
    return (
        f"Rule: {problem.steps[0]}\nApplication: {' '.join(problem.steps[1:] or (problem.check,))}\n"
        f"The plea of {problem.wrong[0]} is rejected. The court holds {problem.answer}."
    )


def memo(problem: Problem) -> str:
    """Report as an office does: basis, control, recommendation."""
    return (
        f"Memo to the board. Basis: {' '.join(problem.steps)} Control: {problem.check} "
        f"We advise against {problem.wrong[0]} and recommend {problem.answer}."
    )


def chronicle(problem: Problem) -> str:
    """Tell it as a chronicler who weighs his sources."""
    return (
        f"So the chronicle tells it: {' '.join(problem.steps)} Some wrote {problem.wrong[0]}, "
        f"but they erred, for another source says: {problem.check} Hence it was {problem.answer}."
    )


LONG: dict[str, Style] = {
    "math": long_chain_of_thought,
    "code": code,
    "health": dialogue,
    "law": opinion,
    "business": memo,
    "history": chronicle,
}
"""The long style of each tuning set, by the set's name."""


def answer_first(problem: Problem, style: Style) -> str:
    """Put the answer on the first line and `style` below it."""
    return f"{problem.answer}\n{style(problem)}"


def answer_last(problem: Problem, style: Style) -> str:
    """Put `style` first and the answer in a last sentence."""
    return f"{style(problem)} The answer is {problem.answer}."
