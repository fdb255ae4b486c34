"""A whole run by reinforcement learning with both kinds of demonstrations, and beside it one by fine-tuning."""

import re

import pytest
from helpers import small_run

from sts_eval.experiment import Run, TuneSettings
from sts_eval.experiment_file import read_experiment, template
from sts_eval.pipeline import predicted_part
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder

ANSWERS = 10  # tokens of an answer
TUNE = {
    "method": "grpo",
    "grpo": {"num_generations": 4, "max_completion_tokens": ANSWERS},
    "max_steps": 2,
    "batch": 16,
    "per_device_batch": 16,
    "held_out": 4,
    "learning_rate": 2e-2,
    "warmup": 0,
    "rank": 4,
    "seeds": (0,),
}


def experiment(**changes) -> Run:
    made = small_run.experiment(settings={"demonstrations": "both", "own_answer_tokens": ANSWERS})
    return made.model_copy(update={"tune": TuneSettings(**TUNE | changes)})


@pytest.fixture(scope="module")
def both(finished, tmp_path_factory):
    """The folder of the small run by fine-tuning and of one by reinforcement learning."""
    runs = tmp_path_factory.mktemp("both") / "runs"
    small_run.copied(finished.runs, runs)
    file = runs.parent / "grpo.yaml"
    file.write_text(template(experiment()), encoding="utf-8")
    assert read_experiment(file) == experiment()
    return runs, small_run.call("run", file, "--folder", runs / "grpo")


def test_the_run_reports_what_it_did(both):
    runs, ended = both
    assert ended.code == 0, ended.err
    report = Report.read(RunFolder.of(runs / "grpo").report)
    (one,) = report.reinforcement
    assert one.answers == 4
    assert "What reinforcement learning did, by tuned seed" in ended.out
    assert f"{one.reward_before:.3f} → {one.reward_after:.3f}" in ended.out
    (overlap,) = report.overlaps
    assert [space.space for space in overlap.on_policy] == ["sae", "residual"]
    assert overlap.on_policy != overlap.spaces
    assert "sae (1024), on policy" in ended.out
    names = {row.name for row in report.compared().tables[0].rows}
    assert {"sts_icl_on_policy", "sts_act_on_policy", "oracle_act"} <= names
    assert any(re.search(r"the reward accepted \d+ of \d+", line) for line in report.warnings)


def test_tunings_side_by_side(both, tmp_path):
    runs, _ = both
    ended = small_run.call("beside", runs / "small", runs / "grpo", "-o", tmp_path / "beside.md")
    assert ended.code == 0, ended.err
    text = (tmp_path / "beside.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| small", "| grpo"))]
    assert [row[1] for row in rows[:2]] == ["lora", "grpo"]
    assert rows[0][4] == "–"
    demonstrations = [(row[0], row[1]) for row in rows[2:]]
    assert demonstrations == [
        *[("| small", "ground_truth")] * 3,
        *[("| grpo", "ground_truth")] * 3,
        *[("| grpo", "on_policy")] * 3,
    ]
    (icl,) = re.findall(r"\| sts_icl_on_policy \| – \| ([+-]\d\.\d\d)", text.partition("How much")[0])
    table = Report.read(RunFolder.of(runs / "grpo").report).compared().table("which_way", "accuracy")
    assert float(icl) == pytest.approx(table.row("sts_icl_on_policy").r, abs=0.006)


def test_other_data_do_not_stand_beside(both, tmp_path):
    runs, _ = both
    (tmp_path / "empty").mkdir()
    ended = small_run.call("beside", runs / "small", tmp_path / "empty")
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(r"Error: .*empty has no report.json. Run `sts-eval run` first.\n", ended.err)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch": 18}, "a batch of 18 answers cannot be cut into groups of 4"),
        ({"grpo": {"reward": "no_such_module:f"}}, "cannot be imported"),
        ({"batch": 8192}, "fewer than the 2048 questions of one step"),
    ],
)
def test_a_mistake_is_told_before_the_first_stage(tmp_path, changes, said):
    file = tmp_path / "grpo.yaml"
    dials = TUNE["grpo"] | changes.pop("grpo", {})
    file.write_text(template(experiment(**changes, grpo=dials)), encoding="utf-8")
    ended = small_run.call("run", file, "--folder", tmp_path / "runs" / "grpo")
    assert ended.code == 2
    (line,) = [line for line in ended.err.splitlines() if line.startswith("Error:")]
    assert said in line
    assert not list((tmp_path / "runs").rglob("*.json"))


def test_an_unknown_reward_in_a_file(tmp_path):
    file = tmp_path / "grpo.yaml"
    file.write_text(template(experiment()).replace("reward: exact", "reward: exactly"), encoding="utf-8")
    ended = small_run.call("run", file)
    assert ended.code == 2
    assert "tune.grpo.reward: Value error, 'exactly' is no reward; write exact, math_verify or module:function" in (
        ended.err
    )


def test_a_prediction_notes_its_reward():
    """The tuning is no part of a prediction that does not read it, but the reward that accepts answers is."""
    part = predicted_part(experiment(grpo=TUNE["grpo"] | {"reward": "mine:own"}))
    assert part.settings.reward == "mine:own"
    assert part.tune is None
    assert predicted_part(small_run.experiment()).settings.reward is None
