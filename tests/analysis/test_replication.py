"""Choosing a predictor on half of the sets or models: against a literal loop over splits, and planted truths."""

import io
from itertools import combinations

import numpy as np
import pytest
from helpers.outcomes import outcomes, planted
from rich.console import Console

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.judged import ComparisonSettings
from sts_eval.analysis.ranking import question_table
from sts_eval.analysis.replication import replication
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.record import canonical_json
from sts_eval.reporting.comparison import markdown, print_comparison
from sts_eval.statistics import pooled_r
from sts_eval.statistics.placebo import placebo
from sts_eval.statistics.resampling import Units

SETTINGS = ComparisonSettings("sts_icl", 100, 0, single=False)


def made(n_models=2, n_sets=4, worth=(0.5, 1, 2), seed=0, **more):
    rng = np.random.default_rng(seed + 1000)  # not the numbers that the changes are made of
    y, _ = planted(n_models=n_models, n_sets=n_sets, n_domains=8, seed=seed)
    scores = {f"p{place}": one * y + 2 * rng.normal(size=y.shape) for place, one in enumerate(worth)}
    scores["sts_icl"] = rng.normal(size=y.shape)
    names = [f"m{place}" for place in range(n_models)], [f"s{place}" for place in range(n_sets)]
    return align(outcomes(y, scores, models=names[0], sets=names[1], **more)), scores, y


def replicated(runs, question, split="sets", settings=SETTINGS):
    return replication(question_table(question, "accuracy", runs, settings), runs, split, settings)


def literally(runs, scores, value):
    """Rank and value of each half's best in the other half, by loops."""
    n = len(runs.training_sets)
    found = []
    for size in sorted({n // 2, n - n // 2}):
        for picked in combinations(range(n), size):
            on = np.isin(runs.set_of, picked)
            here, there = ({name: value(x, half) for name, x in scores.items()} for half in (on, ~on))
            best = max(here, key=here.get)
            rank = sorted(there.values(), reverse=True).index(there[best]) + 1
            found.append((rank, there[best], max(there.values()), there["sts_icl"]))
    return np.array(found)


@pytest.mark.parametrize("n_sets", [4, 5])
def test_it_is_a_literal_loop_over_all_splits(n_sets):
    runs, scores, y = made(n_sets=n_sets)
    found = replicated(runs, "which_way")
    every = literally(runs, scores, lambda x, half: pooled_r(x[half], y[half]))
    assert (found.n_splits, found.complete, found.n_candidates) == (len(every), True, 4)
    means = every.mean(axis=0)
    assert (found.rank, found.value, found.best, found.fixed[0].value) == pytest.approx(tuple(means))
    assert found.won_again == pytest.approx((every[:, 0] == 1).mean())
    assert sum(one.n_splits for one in found.winners) == len(every)


def test_where_sets_are_chosen_it_is_by_what_is_said_beyond_other_sets():
    runs, scores, y = made(n_models=1)
    found = replicated(runs, "which_set")
    assert found.ranked_by == "other_sets"
    units = Units((0,) * 4, tuple(range(4)))

    def value(x, half):
        """Over the half's runs, with predictions for all other sets as placebos."""
        own = np.arctanh([np.corrcoef(x[run], y[run])[0, 1] for run in np.flatnonzero(half)])
        other = np.arctanh(
            [np.corrcoef(x[from_], y[run])[0, 1] for run in np.flatnonzero(half) for from_ in range(4) if from_ != run]
        )
        return np.tanh(own.mean()) - np.tanh(other.mean())

    whole = np.ones(4, dtype=bool)
    assert value(scores["p2"], whole) == pytest.approx(placebo(scores["p2"], y, units, n_resamples=2).difference)
    assert found.value == pytest.approx(literally(runs, scores, value).mean(axis=0)[1])


def test_a_good_predictor_wins_again_and_luck_does_not():
    runs, _, _ = made(n_models=3, n_sets=6, worth=(8,))
    assert replicated(runs, "which_way").won_again == 1
    by_model = replicated(made(n_models=4, n_sets=3, worth=(8,))[0], "which_way", "models")
    assert (by_model.won_again, by_model.n_splits, by_model.rank) == (1, 6, 1)
    shares = [replicated(made(worth=(0,) * 9, seed=seed)[0], "which_way") for seed in range(10)]
    assert np.mean([one.won_again for one in shares]) < 0.3
    assert np.mean([one.value for one in shares]) < np.mean([one.best for one in shares]) - 0.2


def test_of_many_splits_some_are_drawn():
    found = replicated(made(n_sets=10)[0], "which_way")  # 252 splits, 100 resamples
    assert (found.n_splits, found.complete) == (100, False)


def test_predictors_that_use_other_runs_and_those_without_r_do_not_take_part():
    y, noise = planted(n_models=1, n_sets=4, n_domains=8)
    lacking = y + noise
    lacking[0] = np.nan
    scores = {"sts_icl": y + noise, "other": noise, "lacking": lacking}
    found = replicated(align(outcomes(y, scores, models=["a"], sets=list("uvwx"))), "which_way")
    assert (found.n_candidates, found.left_out) == (2, ("lacking",))


@pytest.mark.parametrize(("split", "says"), [("models", "2 models cannot be split"), ("sets", "3 sets cannot be")])
def test_too_few_are_refused(split, says):
    runs, _, _ = made(n_sets=3 if split == "sets" else 4)
    with pytest.raises(UserError, match=says) as raised:
        compare_runs(runs.outcomes, n_resamples=100, split=split)
    assert ("--split sets" in str(raised.value)) == (split == "models")


def test_the_record_keeps_it_and_is_what_it_was_without(tmp_path):
    runs, _, _ = made(home={"s0": ("d0",), "s1": ("d1",)})
    record = compare_runs(runs.outcomes, n_resamples=100, split="sets")
    asked = [(one.question, one.measure) for one in record.replication]
    assert ("which_set_away", "logprob") in asked
    assert len(asked) == 10
    console = Console(file=io.StringIO(), width=110)
    print_comparison(record, console)
    for shown in (console.file.getvalue(), markdown(record)):
        assert "best predictor on half of the training sets" in " ".join(shown.split())
        assert "all 6 splits" in " ".join(shown.split())
    record.write(tmp_path / "comparison.json")
    assert Comparison.read(tmp_path / "comparison.json") == record
    assert "replication" not in canonical_json(record.model_copy(update={"replication": ()}).model_dump(mode="json"))
