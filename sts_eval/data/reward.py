"""Rewards: what a model's answer is worth beside the answer that a training row holds.

    exact            1 where the final answers are the same text or the same number, else 0
    math_verify      the same up to mathematical equality, by trl's accuracy_reward (needs the package math_verify)
    module:function  code of the user's own, found on Python's path or in the working directory

A function of the user's own is called as trl calls one, with lists of equal length by name, and returns a number for
each: `reward(completions=…, prompts=…, question=…, solution=…, answer=…, **further)`. It is named by a local file or
option only: nothing that is handed in or emitted names one.
"""

import importlib
import importlib.util
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data.final_answer import final_answer, same_answer
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError

LISTED = 5  # rows in a message
LONGEST = 300  # characters of what a reward says
TRIED = 8  # solutions that a reward is tried on before anything is trained or sampled


class Asked(NamedTuple):
    """A row of the training set as rewards see it."""

    row: int  # its number in the training set, from 0
    question: str
    solution: str
    answer: str  # empty where none is known


Reward = Callable[[Sequence[Asked], Sequence[str]], list[float]]
"""A number for each completion of a row. It raises a UserError that names the row where there is none."""


class Verifier(NamedTuple):
    """A reward, and all rows of a training set as it sees them."""

    reward: Reward
    rows: Sequence[Asked]


def verifier_of(training_set: TrainingSet, name: str) -> Verifier:
    """The reward of a name, tried on solutions of the training set.

    Raises:
        UserError: There is no such reward, it fails on a solution, or rows have no answer to compare with.
    """
    reward, rows = load_reward(name), rows_to_verify(training_set, name)
    reward(rows[:TRIED], [row.solution for row in rows[:TRIED]])
    return Verifier(reward, rows)


def load_reward(name: str) -> Reward:
    """A reward by its name.

    Raises:
        UserError: There is no such module or function, or math_verify is not installed.
    """
    if ":" in name:
        return _checked(name, _own(name))
    if name == "math_verify":
        return _checked(name, _math_verify())
    return _checked(
        name, lambda rows, texts: [same_answer(text, row.answer) for row, text in zip(rows, texts, strict=True)]
    )


def rows_to_verify(training_set: TrainingSet, reward: str) -> list[Asked]:
    """All rows of a training set with their answers.

    Raises:
        UserError: Rows have no answer, and the reward is not the user's own, which may do without.
    """
    held = training_set.answers or ("",) * len(training_set.examples)
    rows = [
        Asked(number, example.question, example.solution, final_answer(answer or example.solution) or "")
        for number, (example, answer) in enumerate(zip(training_set.examples, held, strict=True))
    ]
    lacking = [row.row for row in rows if not row.answer]
    if lacking and ":" not in reward:
        listed = ", ".join(map(str, lacking[:LISTED])) + (", ..." if len(lacking) > LISTED else "")
        raise UserError(
            f"{len(lacking)} of {len(rows)} rows of {training_set.source} have no answer that the reward {reward} "
            f"could compare with (rows {listed}, counted from 0)",
            "Name a column of short answers as training_set.answer_field, or end solutions with \\boxed{...}",
        )
    return rows


def _math_verify() -> Callable[[Sequence[Asked], Sequence[str]], Any]:
    if importlib.util.find_spec("math_verify") is None:
        raise UserError("the reward math_verify needs the package math_verify", "pip install 'sts-eval[math]'")
    from trl.rewards.accuracy_rewards import accuracy_reward

    def reward(rows: Sequence[Asked], texts: Sequence[str]) -> Any:
        golds = [row.answer if "$" in row.answer else f"\\boxed{{{row.answer}}}" for row in rows]
        return accuracy_reward([[{"role": "assistant", "content": text}] for text in texts], golds)

    return reward


def _own(name: str) -> Callable[[Sequence[Asked], Sequence[str]], Any]:
    module, _, function = name.partition(":")
    try:
        with _working_directory_first():
            found = getattr(importlib.import_module(module), function)
    except AttributeError as error:
        raise UserError(f"the module {module!r} has no function {function!r}", "Correct the reward's name") from error
    except (Exception, SystemExit) as error:  # whatever goes wrong in somebody else's module
        missing = isinstance(error, ModuleNotFoundError) and module.startswith(str(error.name))
        raise UserError(
            f"the module {module!r} of the reward cannot be imported ({_said(error)})",
            "Start in the folder of its file, or put that on PYTHONPATH" if missing else "Mend the module",
        ) from error
    if not callable(found):
        raise UserError(f"the reward {name} is no function", "Name a function")

    def reward(rows: Sequence[Asked], texts: Sequence[str]) -> Any:
        columns = {field: [getattr(row, field) for row in rows] for field in ("question", "solution", "answer")}
        return found(completions=list(texts), prompts=columns["question"], **columns)

    return reward


@contextmanager
def _working_directory_first() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = before


def _checked(name: str, reward: Callable[[Sequence[Asked], Sequence[str]], Any]) -> Reward:
    """A reward whose every value is a finite number; the row where it is not is named."""
    remedy = "Mend the reward" if ":" in name else "Correct that row's answer, or choose another reward"

    def call(rows: Sequence[Asked], texts: Sequence[str]) -> list[float]:
        try:
            found = list(reward(rows, texts))
        except (Exception, SystemExit) as error:  # whatever goes wrong in somebody else's function
            culprit = _first_that_fails(reward, rows, texts)
            raise UserError(
                f"the reward {name} raises {_said(error)} (training row {culprit.row}, counted from 0)",
                remedy,
            ) from error
        if len(found) != len(texts):
            raise UserError(
                f"the reward {name} returns {len(found)} values for {len(texts)} completions (from training row "
                f"{rows[0].row} on, counted from 0)",
                "Return one number for each completion",
            )
        for row, value in zip(rows, found, strict=True):
            if not _finite(value):
                raise UserError(
                    f"the reward {name} returns {_one_line(repr(value))} for training row {row.row}, counted from 0, "
                    "which is not a finite number",
                    remedy,
                )
        return [float(value) for value in found]

    return call


def _first_that_fails(
    reward: Callable[[Sequence[Asked], Sequence[str]], Any], rows: Sequence[Asked], texts: Sequence[str]
) -> Asked:
    for row, text in zip(rows, texts, strict=True):
        try:
            reward([row], [text])
        except (Exception, SystemExit):  # it is asked which one raises, not what
            return row
    return rows[0]


def _finite(value: Any) -> bool:
    try:
        return not isinstance(value, str | bytes) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # a list, or a tensor of several numbers
        return False


def _said(error: BaseException) -> str:
    return _one_line(f"{type(error).__name__}: {error}")


def _one_line(text: str) -> str:
    return textwrap.shorten(text, LONGEST, placeholder=" ...")


def code_file(name: str) -> str | None:
    """The file of a reward of the user's own; None for the package's, and where there is none."""
    if ":" not in name:
        return None
    with _working_directory_first():
        try:
            spec = importlib.util.find_spec(name.partition(":")[0])
        except (ImportError, ValueError):
            return None
    return spec.origin if spec else None
