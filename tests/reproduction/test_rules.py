"""The rules by hand: an interval above, below and across what is claimed; and what a table's verdict is made of."""

import pytest

from sts_eval.records.paper_answer import CheckAnswer, Measured, PaperAnswer, Rule

RELATED, MORE, MOST = Rule(least=0.5), Rule(), Rule(least=0.5, beyond=0.5)


def measured(value, low=None, high=None):
    return Measured(value=value, low=low, high=high, basis="made")


@pytest.mark.parametrize(
    ("rule", "found", "verdict"),
    [
        (RELATED, (0.6, 0.1, 0.9), "confirmed"),  # .5 or more, 0 excluded
        (RELATED, (0.6, -0.1, 0.9), "cannot tell"),  # 0 not excluded
        (RELATED, (0.4, 0.1, 0.6), "cannot tell"),  # less than .5, but .5 not excluded
        (RELATED, (0.2, 0.1, 0.4), "not confirmed"),  # .5 excluded, though r is above 0
        (MORE, (0.2, 0.1, 0.3), "confirmed"),
        (MORE, (0.2, -0.1, 0.5), "cannot tell"),
        (MORE, (-0.2, -0.3, -0.1), "not confirmed"),
        (MORE, (0.2, 0.0, 0.4), "cannot tell"),  # an end at 0 does not exclude it
        (MOST, (0.7, 0.6, 0.8), "confirmed"),
        (MOST, (0.6, 0.4, 0.8), "cannot tell"),
        (MOST, (0.3, 0.1, 0.4), "not confirmed"),
        (MORE, (9.0, None, None), "cannot tell"),  # no interval decides nothing
    ],
)
def test_an_interval_decides(rule, found, verdict):
    assert rule.judge(measured(*found)) == verdict
    assert rule.judge(None) == "cannot tell"


def test_a_rule_says_what_it_is():
    assert RELATED.sentence == (
        "confirmed where the figure is 0.5 or more and its interval is above 0, not confirmed where the interval "
        "is below 0.5"
    )
    assert MOST.sentence == ("confirmed where the interval is above 0.5, not confirmed where the interval is below 0.5")


YES, NO, OPEN = measured(1, 0.5, 1.5), measured(-1, -1.5, -0.5), measured(1, -0.5, 2.5)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([(YES, False), (YES, False)], "confirmed"),
        ([(YES, False), (OPEN, False)], "cannot tell"),
        ([(YES, False), (None, False)], "cannot tell"),
        ([(YES, False), (NO, False)], "not confirmed"),
        ([(YES, False), (NO, True)], "confirmed"),  # a control has no part in it
        ([(OPEN, False), (YES, True)], "cannot tell"),
    ],
)
def test_a_table_is_confirmed_where_all_of_its_own_statements_are(found, verdict):
    made = PaperAnswer(
        created="",
        id="table-0",
        source="Table 0",
        title="",
        claim="",
        published=(),
        checks=tuple(
            CheckAnswer(name=str(place), statement="", unit="", rule=MORE, control=control, found=one)
            for place, (one, control) in enumerate(found)
        ),
        needs="",
        command="",
    )
    assert made.verdict == verdict
    assert PaperAnswer.from_json(made.canonical()) == made
