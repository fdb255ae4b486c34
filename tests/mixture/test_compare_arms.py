"""Paired comparisons of arms by hand, what they allow one to say, and the same from records on disk."""

import numpy as np
import pandas as pd
import pytest
from helpers import records
from helpers.small_run import call
from scipy import stats

import sts_eval as se
from sts_eval.analysis.report import report_run
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TrainingSetSpec
from sts_eval.mixture.compare_arms import Sides, compare_arms, results_of
from sts_eval.mixture.verdict import conclusions
from sts_eval.records.arm_comparison import ArmComparison
from sts_eval.records.mixture import ARMS_RECORD, SWEEP_FILE, SWEEP_FOLDER, Arm, Arms
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.mixture import arm_comparison_markdown, arm_table
from sts_eval.sweeps.matrix import Matrix, MatrixModel, matrix_template


def sides(before, *after):
    return Sides(np.array(before, float), np.array(after, float))


BEFORE = [100, 100, 0, 0]
ANSWERS = {
    "none": {
        "math": sides(BEFORE, [100, 100, 100, 0], [100, 100, 100, 100]),
        "law": sides(BEFORE, [0, 0, 0, 0], [0, 100, 0, 0]),
    },
    "equal": {
        "math": sides(BEFORE, [100, 100, 0, 0], [100, 100, 100, 0]),
        "law": sides(BEFORE, [100, 0, 0, 0], [0, 100, 0, 0]),
    },
    "sts_icl": {
        "math": sides(BEFORE, [100, 100, 0, 0], [100, 100, 0, 0]),
        "law": sides(BEFORE, [100, 100, 0, 0], [100, 100, 100, 0]),
    },
}


def result(name, answers=ANSWERS, protected=("law",), target=("math",)):
    return results_of(name, answers, protected, target, added=0 if name == "none" else 7, oracle=name == "damage")


def test_an_arm_against_equal_shares_by_hand():
    # Law, sts_icl less equal, seeds by questions: (0, 100, 0, 0) and (100, 0, 100, 0).
    # Question means 50, 50, 50, 0: mean 37.5, variance 625, over 4 questions 156.25.
    # Seed means 25 and 50. Rest ±(-37.5, 62.5, -37.5, 12.5): SS = 2 · 6875, MS = 13750/3, over nK = 8: 572.9.
    # Variance of the seed means 312.5/2 = 156.25 lies below the rest: no variance between seeds is seen.
    found = result("sts_icl").from_equal
    assert found.value == 37.5
    assert found.se == pytest.approx(12.5)
    half = stats.t.ppf(1 - 0.025 / 2, 3) * 12.5  # two arms beside the equal one: level 97.5%
    assert found.level == pytest.approx(0.975)
    assert (found.low, found.high) == pytest.approx((37.5 - half, 37.5 + half))


def test_changes_worst_domain_and_cost_of_protection_by_hand():
    arm = result("sts_icl")
    assert {one.domain: one.change.value for one in arm.domains} == {"math": 0, "law": 12.5}
    assert arm.worst == "math"
    assert arm.mean.value == 12.5  # of law, the only protected domain
    assert arm.target.value == 0  # of mathematics; without added rows it rises by 25 and 50
    assert arm.cost.value == -37.5
    assert arm.from_none.value == 50  # law: 62.5 of 100 are right, and 12.5 without added rows
    assert result("none").cost is None
    assert result("none").from_none is None
    assert result("equal").from_equal is None
    assert result("equal", protected=("math", "law")).mean.value == pytest.approx((12.5 - 25) / 2)


def many(shift, n=400, seed=0):
    """Three seeds of a domain with many questions, in which an arm is right in so much larger a share of them."""
    rng = np.random.default_rng(seed)
    luck = rng.random((3, n))
    return {"law": Sides(100.0 * (rng.random(n) < 0.5), 100.0 * (luck < 0.5 + shift))}


def said(seeds=(0, 1, 2), **arms):
    answers = {"equal": many(0.0), **arms}
    found = [results_of(name, answers, ("law",), (), added=9, oracle=name == "damage") for name in answers]
    return conclusions(found, seeds, "accuracy")


def test_an_arm_that_is_clearly_better_is_recommended():
    recommended, lines = said(sts_icl=many(0.3), tfidf_cosine=many(0.01))
    assert recommended == "sts_icl"
    assert lines[0].startswith("Recommended: sts_icl. ")
    assert "97.5% interval" in lines[0]


def test_no_arm_is_recommended_where_none_is_shown_to_be_better():
    recommended, lines = said(sts_icl=many(0.0, seed=1), tfidf_cosine=many(-0.01, seed=2))
    assert recommended is None
    assert lines[0] == "No arm is better than an equal split."
    assert "is not ruled out" in lines[2]


def test_two_seeds_recommend_nothing():
    recommended, lines = said((0, 1), sts_icl=many(0.3))
    assert recommended is None
    assert lines[0].startswith("No arm is recommended: with 2 seeds")
    assert lines[1].startswith("The largest difference from equal shares is that of sts_icl: +")


def test_an_oracle_is_never_recommended():
    recommended, lines = said(damage=many(0.3), sts_icl=many(0.0, seed=1))
    assert recommended is None
    assert any("an oracle" in line for line in lines)


def test_one_seed_recommends_nothing():
    answers = {
        name: {domain: Sides(one.before, one.after[:1]) for domain, one in arm.items()} for name, arm in ANSWERS.items()
    }
    found = [result(name, answers) for name in answers]
    recommended, lines = conclusions(found, (0,), "accuracy")
    assert recommended is None
    assert lines[0].startswith("One seed cannot tell arms apart")


# --- from records on disk ---

PREDICTION = records.prediction({"d0": 5.0, "d1": 3.0, "d2": 2.0})
FLIPS = {
    "none": {"d0": (0, 8), "d1": (0, 6), "d2": (9, 0)},
    "equal": {"d0": (0, 4), "d1": (0, 6), "d2": (7, 0)},
    "sts_icl": {"d0": (0, 1), "d1": (0, 6), "d2": (5, 0)},
    "damage": {"d0": (0, 0), "d1": (0, 5), "d2": (5, 0)},
}
"""By arm and domain of 100 questions: answers gained and lost."""


def experiment(folder, arms=tuple(FLIPS), **changes):
    """A folder of arms whose sweep has measured what `FLIPS` says."""
    sets = tuple(TrainingSetSpec(source=f"{name}.jsonl") for name in FLIPS)
    matrix = Matrix(models=(MatrixModel(**ModelSpec(id="org/model").model_dump()),), training_sets=sets)
    folder.mkdir(exist_ok=True)
    (folder / SWEEP_FILE).write_text(matrix_template(matrix), encoding="utf-8")
    added = [
        Arm(
            name=name,
            file=f"{name}.jsonl",
            added=7 * (name != "none"),
            unlike_equal=0,
            oracle=name == "damage",
            mixture_sha256=None,
        )
        for name in FLIPS
    ]
    Arms(
        created=records.EARLY,
        prediction_sha256=PREDICTION.sha256(),
        budget=7,
        protected=("d0", "d1"),
        target=("d2",),
        arms=tuple(added),
        not_made={"history": "there are no other runs"},
        notes=(),
    ).write(folder / ARMS_RECORD)
    for name, run in matrix.expand():
        arm = run.training_set.source.removesuffix(".jsonl")
        if arm in arms:
            files = RunFolder.of_sweep(folder / SWEEP_FOLDER, name)
            transfer = records.transfer(FLIPS[arm], after=PREDICTION, **changes.get(arm, {}))
            transfer.write(files.transfer("0" * 8))
            report_run(PREDICTION, transfer).write(files.report)
    return folder


def test_python_compares_arms_as_the_command_does(tmp_path):
    found = se.compare_arms(experiment(tmp_path / "arms"))
    frame = found.to_frame().set_index(["arm", "domain"])
    assert len(frame) == len(FLIPS) * 3
    assert frame.change["none", "d0"] == -8
    assert frame.from_equal["sts_icl", "d0"] == 3  # -1 against -4
    assert pd.isna(frame.from_equal["equal", "d0"])
    overview = found.overview().set_index("arm")
    assert overview["mean"]["sts_icl"] == -3.5
    assert overview.from_equal["sts_icl"] == 1.5
    assert overview.worst["none"] == "d0"
    assert repr(found).splitlines()[0] == "4 arms compared"
    again = se.read(found.save(tmp_path / "comparison.json"))
    assert isinstance(again, se.ArmComparisonResult)
    assert again.record == found.record
    assert call("mix", "--compare", tmp_path / "arms").code == 0
    written = ArmComparison.read(tmp_path / "arms" / "comparison.json")
    assert (written.results, written.conclusions) == (found.record.results, found.record.conclusions)


def test_what_a_sweep_measured_comes_to_one_table(tmp_path):
    found = compare_arms(experiment(tmp_path / "arms"))
    by_name = {one.name: one for one in found.results}
    assert by_name["sts_icl"].mean.value == -3.5  # of -1 and -6
    assert by_name["sts_icl"].from_equal.value == 1.5  # of 3 and 0
    assert by_name["none"].worst == "d0"
    assert by_name["equal"].cost.value == -2  # 7 points of the target, where 9 are had without added rows
    assert found.missing == {"history": "there are no other runs"}
    assert found.recommended is None  # a single seed
    header, rows = arm_table(found)
    assert header == ["domain", "none", "equal", "sts_icl", "damage (O)"]
    assert [row[0] for row in rows[:3]] == ["d0", "d1", "d2 (target)"]
    assert rows[0][3].startswith("-1.0 ±")
    assert "| d0 | -8.0 ±" in arm_comparison_markdown(found)


def test_arms_that_are_not_done_are_named(tmp_path):
    found = compare_arms(experiment(tmp_path / "arms", ("equal", "damage")))
    assert [one.name for one in found.results] == ["equal", "damage"]
    assert found.missing["sts_icl"] == "no report yet"
    with pytest.raises(UserError, match=r"results of 1 arms \(none\); equal and another are needed"):
        compare_arms(experiment(tmp_path / "others", ("none",)))


def test_arms_with_other_questions_are_refused(tmp_path):
    with pytest.raises(UserError, match="arms none and sts_icl cannot be paired: they have other questions"):
        compare_arms(experiment(tmp_path / "arms", sts_icl={"n": 90}))


def test_answers_without_log_probabilities_are_refused(tmp_path):
    with pytest.raises(UserError, match="no log-probabilities"):
        compare_arms(experiment(tmp_path / "arms"), "logprob")
