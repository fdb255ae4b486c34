r"""How a problem's solution is written: one template for each way of writing, filled by `write`.

The answer comes first in a direct solution and in a tuning set, and ends at the newline; in a chain of
thought it comes last, after "The answer is". An option is scored as ``" " + option + "\n"``, so a style
that puts reasoning first is scored by how a chain of thought would start, not by its answer.
"""

from sts_eval.lab.problems import Problem

DIRECT = "{answer}"
CHAIN_OF_THOUGHT = "{steps} The answer is {answer}."  # on one line, as MMLU-Pro's solutions give it
ANSWER_THEN_STEPS = "{answer}\n{steps}"

LONG: dict[str, str] = {
    # Reasons aloud, doubts, checks: the way of LIMO's solutions.
    "math": (
        "Okay, let me work it out. {steps} Wait, could it be {wrong}? Let me check: {check} "
        "So {wrong} fails and {answer} holds."
    ),
    # Reasons in the comments of a function that returns the answer.
    "code": "def solve():\n{comments}\n    # check: {check}\n    return '{answer}'",
    # A doctor explains to a patient who asks back.
    "health": "Patient: Why so?\nDoctor: {steps}\nPatient: Not {wrong}?\nDoctor: No. {check} It is {answer}.",
    # Argues as a court does: rule, application, what is rejected, what is held.
    "law": (
        "Rule: {first_step}\nApplication: {later_steps}\nThe plea of {wrong} is rejected. The court holds {answer}."
    ),
    # Reports as an office does: basis, control, recommendation.
    "business": (
        "Memo to the board. Basis: {steps} Control: {check} We advise against {wrong} and recommend {answer}."
    ),
    # A chronicler weighs his sources.
    "history": (
        "So the chronicle tells it: {steps} Some wrote {wrong}, but they erred, "
        "for another source says: {check} Hence it was {answer}."
    ),
}
"""The long style of each tuning set, by the set's name."""


def answer_first(style: str) -> str:
    """The style with the answer on a line before it."""
    return f"{{answer}}\n{style}"


def write(problem: Problem, style: str) -> str:
    """Write a problem's solution in a style."""
    return style.format(
        answer=problem.answer,
        wrong=problem.wrong[0],
        steps=" ".join(problem.steps),
        first_step=problem.steps[0],
        later_steps=" ".join(problem.steps[1:] or (problem.check,)),
        comments="\n".join(f"    # {step}" for step in problem.steps),
        check=problem.check,
    )
