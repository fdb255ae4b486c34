"""Questions lost and gained in a domain, apart, from a transfer's answers."""

import numpy as np

from sts_eval.records.answers import UNPARSED, Replies
from sts_eval.records.report import Turnover
from sts_eval.records.transfer import DomainAnswers
from sts_eval.statistics.guessing import known_changes
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.result import Floats


def turnover(answers: DomainAnswers) -> Turnover:
    """Lost and gained questions, means over seeds, and the same with guessing taken off where options are known."""
    before, after = np.array(answers.before.right), np.array([replies.right for replies in answers.after])
    found = Turnover(
        lost=POINTS * float((before & ~after).mean()),
        gained=POINTS * float((~before & after).mean()),
    )
    if answers.n_options is None:
        return found
    chance = 1 / np.array(answers.n_options, dtype=np.float64)
    known = known_changes(
        before, after, _luck(answers.before, chance), np.array([_luck(replies, chance) for replies in answers.after])
    )
    return found.model_copy(update={f"known_{name}": value for name, value in known._asdict().items()})


def _luck(replies: Replies, chance: Floats) -> Floats:
    """An answer that could not be read is no guess."""
    return np.where([verdict == UNPARSED for verdict in replies.verdicts], 0.0, chance)
