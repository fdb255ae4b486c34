"""What a run's page says reproduces it."""

import yaml
from helpers.board import HOSTILE, made_outcomes, made_submission
from helpers.submissions import submission

from sts_eval.experiment import Run, TuneSettings
from sts_eval.experiment_file import read_experiment
from sts_leaderboard import reproduce

NAME = "ab" * 32


def described(run, tmp_path):
    path = tmp_path / reproduce.file_name(NAME)
    path.write_text(reproduce.experiment_file(run, NAME))
    return read_experiment(path)


def test_attached_records_become_the_experiment_that_was_run(tmp_path):
    whole = submission()
    made = whole.prediction.model_copy(
        update={
            "model": whole.prediction.model.model_copy(update={"commit": "c0ffee"}),
            "training_set": whole.prediction.training_set.model_copy(update={"revision": "5e7"}),
        }
    )
    tuning = whole.transfer.tuning.model_copy(update={"settings": TuneSettings(rank=8, max_steps=3, seeds=(4, 5))})
    whole = whole.model_copy(
        update={"prediction": made, "transfer": whole.transfer.model_copy(update={"tuning": tuning})}
    )
    read = described(whole, tmp_path)
    asked = made.experiment
    assert read.settings == asked.settings
    assert read.sae == asked.sae
    assert (read.model.id, read.model.revision) == (asked.model.id, "c0ffee")
    assert (read.training_set.source, read.training_set.revision) == (asked.training_set.source, "5e7")
    assert read.tune == tuning.settings
    assert read.measure.task == whole.transfer.origin.task
    assert read.measure.questions == "disjoint"


def test_a_reward_that_is_code_is_not_passed_on(tmp_path):
    """Nobody runs what a submitter's reward names, unless they name it themselves."""
    whole = submission()
    asked = whole.prediction.experiment
    settings = asked.settings.model_copy(update={"demonstrations": "on_policy", "reward": "theirs:code"})
    made = whole.prediction.model_copy(update={"experiment": asked.model_copy(update={"settings": settings})})
    dials = {"reward": "theirs:code", "num_generations": 4}
    tuning = whole.transfer.tuning.model_copy(update={"settings": TuneSettings(method="grpo", grpo=dials)})
    whole = whole.model_copy(
        update={"prediction": made, "transfer": whole.transfer.model_copy(update={"tuning": tuning})}
    )
    text = reproduce.experiment_file(whole, NAME)
    assert "theirs" not in text
    assert "The records set reward." in text
    read = described(whole, tmp_path)
    assert (read.settings.demonstrations, read.settings.reward) == ("on_policy", None)
    assert (read.tune.grpo.reward, read.tune.grpo.num_generations) == ("exact", 4)
    assert "The records set" not in reproduce.experiment_file(submission(), NAME)


def test_a_run_in_short_becomes_its_names_and_says_that_the_rest_is_unknown(tmp_path):
    run = made_submission(made_outcomes()[0])
    text = reproduce.experiment_file(run, NAME)
    assert "may differ" in text.partition("\nmodel:")[0]
    read = described(run, tmp_path)
    assert read == Run.model_validate(
        {
            "model": {"id": run.model.id},
            "training_set": {"source": run.training_set.id},
            "tune": {"seeds": run.outcome.seeds},
            "measure": {"task": "mmlu_pro"},
        }
    )


def test_the_submitters_command_is_marked_as_theirs():
    told = reproduce.command(submission(), NAME).splitlines()
    assert told[:2] == [reproduce.WRITTEN, "sts-eval run set.yaml"]
    assert told[-1] == f"sts-eval run run-{NAME[:12]}.yaml"


def test_what_nobody_can_run_is_not_given_a_command():
    quiet = made_submission(made_outcomes()[0]).provenance.model_copy(update={"command": None})
    for origin, said in (("published", reproduce.PUBLISHED), ("imported", reproduce.ELSEWHERE)):
        run = made_submission(made_outcomes()[0], origin=origin).model_copy(update={"provenance": quiet})
        assert reproduce.command(run, NAME) == said


def test_hostile_names_stay_values_of_the_file():
    """As if the store's checks had let them through."""
    whole = submission()
    for text in (*HOSTILE, "x\nmodel: {id: evil}", "a # b", "*alias", "!!python/object:os.system"):
        asked = whole.prediction.experiment
        asked = asked.model_copy(update={"model": asked.model.model_copy(update={"id": text})})
        run = whole.model_copy(update={"prediction": whole.prediction.model_copy(update={"experiment": asked})})
        file = reproduce.experiment_file(run, NAME)
        assert yaml.safe_load(file)["model"]["id"] == text
        assert "\u202e" not in file
