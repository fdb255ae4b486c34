"""`sts-eval power` as a user meets it."""

import pytest
from helpers.outcomes import outcomes, planted
from helpers.small_run import call

from sts_eval.records.outcome import write_outcomes

QUICK = ("--simulations", 20, "--sets", 8, "--models", 2, "--domains", 14, "--questions", 100)


@pytest.fixture
def runs(tmp_path):
    y, noise = planted(n_models=2, n_sets=4, n_domains=8)
    scores = {"sts_icl": y + noise, "rival": y + 2 * noise[::-1]}
    write_outcomes(tmp_path / "runs.jsonl", outcomes(y, scores, models=["a", "b"], sets=list("uvwx")))
    return tmp_path / "runs.jsonl"


def test_the_design_comes_first_and_noise_can_be_kept(runs, tmp_path):
    code, out, err = call("power", runs, *QUICK, "--r", 0.1, "--against", 0.8, "--save-noise", tmp_path / "noise.json")
    assert code == 0, err
    assert out.startswith("16 runs: the smallest of the designs tried")
    assert "Ceiling of set × domain" in out
    again = call("power", "--noise", tmp_path / "noise.json", *QUICK, "--r", 0.1, "--against", 0.8)
    assert again == (0, out, "")


def test_a_plan_without_runs_has_the_labs_noise():
    code, out, err = call("power", *QUICK, "--question", "which_set")
    assert code == 0, err
    assert out.startswith("None of the designs")
    assert "less, deep, wide on math" in " ".join(out.split())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["{runs}", "--noise", "{runs}"], "there are runs and --noise"),
        (["--save-noise", "noise.json"], "--save-noise needs runs"),
        (["--noise", "{runs}"], "is not a valid matrixnoise record"),
        (["--noise", "nowhere.json"], "cannot be read"),
        (["--against", "0.99"], "no predictor reaches r = 0.99"),
        (["--sets", "1"], "--sets 1 is too few"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(runs, options, says):
    code, out, err = call("power", *(option.format(runs=runs) for option in options))
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
