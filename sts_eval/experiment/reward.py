"""Names of rewards: what an answer of the model is worth."""

import re
from typing import Annotated

from pydantic import AfterValidator

REWARDS = ("exact", "math_verify")
"""Rewards that the package brings; `module:function` is one of the user's own."""

REWARD_MEANING = (
    "exact (1 where the final answer is the row's), math_verify (the same up to mathematical equality), or "
    "module:function of your own"
)


def _known(given: str) -> str:
    if given not in REWARDS and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", given):
        raise ValueError(f"{given!r} is no reward; write {', '.join(REWARDS)} or module:function")
    return given


Reward = Annotated[str, AfterValidator(_known)]
