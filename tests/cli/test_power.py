"""`sts-eval power` as a user meets it."""

import sys

import pytest
from helpers.outcomes import outcomes, planted

from sts_eval.cli import main
from sts_eval.records.outcome import write_outcomes

QUICK = ("--simulations", 20, "--sets", 8, "--models", 2, "--domains", 14, "--questions", 100)


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*options):
        monkeypatch.setattr(sys, "argv", ["sts-eval", "power", *map(str, options)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


@pytest.fixture
def runs(tmp_path):
    y, noise = planted(n_models=2, n_sets=4, n_domains=8)
    scores = {"sts_icl": y + noise, "rival": y + 2 * noise[::-1]}
    write_outcomes(tmp_path / "runs.jsonl", outcomes(y, scores, models=["a", "b"], sets=list("uvwx")))
    return tmp_path / "runs.jsonl"


def test_the_design_comes_first_and_noise_can_be_kept(run, runs, tmp_path):
    code, out, err = run(runs, *QUICK, "--r", 0.1, "--against", 0.8, "--save-noise", tmp_path / "noise.json")
    assert code == 0, err
    assert out.startswith("16 runs: the smallest of the designs tried")
    assert "Ceiling of set × domain" in out
    again = run("--noise", tmp_path / "noise.json", *QUICK, "--r", 0.1, "--against", 0.8)
    assert again == (0, out, "")


def test_a_plan_without_runs_has_the_labs_noise(run):
    code, out, err = run(*QUICK, "--question", "which_set")
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
def test_a_mistake_is_one_line_and_exit_code_2(run, runs, options, says):
    code, out, err = run(*(option.format(runs=runs) for option in options))
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
