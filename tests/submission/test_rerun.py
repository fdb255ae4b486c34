"""When two runs of one thing agree."""

import numpy as np
import pytest
from helpers.submissions import plain, submission

from sts_eval.records.submission import Submission
from sts_eval.submission.rerun import compare_runs


def shifted(by, se=3.0):
    """A submission of another tuning whose changes lie `by` away, domain by domain."""
    values = plain(submission(evidence=False))
    values["outcome"]["transfer_sha256"] = "a" * 64
    for domain, shift in zip(values["outcome"]["domains"], by, strict=True):
        domain["accuracy"] |= {"delta": domain["accuracy"]["delta"] + shift, "se": se}
    return Submission.model_validate(values)


def claimed(se=4.0):
    values = plain(submission(evidence=False))
    for domain in values["outcome"]["domains"]:
        domain["accuracy"]["se"] = se
    return Submission.model_validate(values)


def test_the_joint_error_of_3_and_4_points_is_5():
    agreement = compare_runs(claimed(), shifted([10, -5, 0, 0, 0]))
    assert agreement.agrees
    assert list(agreement.z.values()) == pytest.approx([-2, 1, 0, 0, 0])
    # The tail of chi-squared with 5 degrees of freedom beyond 5 is 0.41588 in any table.
    assert agreement.p == pytest.approx(0.41588, abs=1e-5)


def test_one_domain_too_far_away_is_named():
    agreement = compare_runs(claimed(), shifted([13, 0, 0, 0, 0]))
    assert agreement.obstacles == ("computer science differ by more than 2.5 joint standard errors",)


def test_many_moderate_differences_are_more_than_chance():
    agreement = compare_runs(claimed(), shifted([10, 10, 10, 10, 10]))
    assert "together" in agreement.obstacles[0]
    assert max(map(abs, agreement.z.values())) == pytest.approx(2)


def test_without_errors_changes_must_be_equal():
    assert compare_runs(claimed(0.0), shifted([0, 0, 0, 0, 0], se=0.0)).agrees
    assert not compare_runs(claimed(0.0), shifted([0.1, 0, 0, 0, 0], se=0.0)).agrees


def test_the_same_tuning_or_another_model_is_no_rerun():
    one = claimed()
    assert "same tuning" in compare_runs(one, one).obstacles[0]
    model = one.model.model_copy(update={"id": "org/other"})
    other = shifted([0, 0, 0, 0, 0]).model_copy(update={"model": model})
    assert compare_runs(one, other).obstacles == ("they are of different models",)


def test_true_reruns_agree_about_as_often_as_the_rules_say():
    rng = np.random.default_rng(0)
    one, agreed = claimed(), []
    for _ in range(300):
        drawn = []
        for domain, shift in zip(one.outcome.domains, rng.normal(scale=5, size=5).tolist(), strict=True):
            change = domain.accuracy.model_copy(update={"delta": domain.accuracy.delta + shift, "se": 3.0})
            drawn.append(domain.model_copy(update={"accuracy": change}))
        outcome = one.outcome.model_copy(update={"domains": tuple(drawn), "transfer_sha256": "a" * 64})
        agreed.append(compare_runs(one, one.model_copy(update={"outcome": outcome})).agrees)
    # All five within 2.5: 0.98758^5 = 0.939; the chi-squared rule takes at most another 1%.
    assert 0.89 < np.mean(agreed) < 0.98
