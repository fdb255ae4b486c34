"""A seed whose process ends goes on from its last checkpoint, to the same weights as one that was never interrupted."""

import pytest
from transformers import TrainerCallback

from sts_eval.experiment import TuneSettings
from sts_eval.records.tuning import SeedTraining
from sts_eval.tuning import training
from sts_eval.tuning.checkpoints import last_checkpoint
from sts_eval.tuning.finetune import finetune

# Three epochs of seven steps, two passes a step; dropout, so that random states must be restored as well.
SETTINGS = TuneSettings(
    epochs=3,
    max_rows=28,
    batch=4,
    per_device_batch=2,
    learning_rate=5e-3,
    rank=2,
    dropout=0.2,
    seeds=(0,),
)
STEPS = 21


@pytest.fixture(scope="module")
def unbroken(model, mathematics, tmp_path_factory) -> SeedTraining:
    """The seed, trained in one go without a checkpoint."""
    (run,) = finetune(model, mathematics, SETTINGS, tmp_path_factory.mktemp("unbroken")).runs
    assert run.steps == STEPS
    return run


def ends_at(step, error):
    """A callback that ends the process's work when a step is done."""

    class Ending(TrainerCallback):
        def on_substep_end(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise error

    return Ending()


def interrupted(monkeypatch, step, error):
    """Let the next training keep a checkpoint at every report, and end within the step after this one."""
    real = training.SolutionTrainer

    def made(**named):
        trainer = real(**named)
        trainer.add_callback(ends_at(step, error))
        return trainer

    with monkeypatch.context() as changed:
        changed.setattr(training, "SolutionTrainer", made)
        changed.setattr(training, "CHECKPOINT_EVERY", 0.0)
        yield


def stop(monkeypatch, call, step, error):
    for _ in interrupted(monkeypatch, step, error):
        with pytest.raises(type(error)):
            call()


def facts(run):
    """All of a record but for times."""
    return run.model_dump(exclude={"started", "finished", "seconds"})


@pytest.mark.parametrize("step", [3, 14], ids=["within an epoch", "between epochs"])
def test_a_killed_seed_goes_on_to_the_same_weights(unbroken, model, mathematics, tmp_path, monkeypatch, step):
    def tune(**options):
        return finetune(model, mathematics, SETTINGS, tmp_path, **options)

    monkeypatch.setattr("sts_eval.tuning.checkpoints.now", lambda: "2026-01-01T00:00:00+00:00")
    stop(monkeypatch, tune, step, KeyboardInterrupt())
    monkeypatch.setattr("sts_eval.tuning.checkpoints.now", lambda: "2026-01-02T00:00:00+00:00")
    (unfinished,) = tmp_path.iterdir()
    assert last_checkpoint(unfinished / "checkpoints").name == f"checkpoint-{step // 2 * 2}"
    told = []
    (run,) = tune(progress=lambda *one: told.append(one)).runs
    assert facts(run) == facts(unbroken)
    # So a prediction made between the two processes was made after fine-tuning started.
    assert run.started == "2026-01-01T00:00:00+00:00"
    assert [path.name for path in tmp_path.iterdir()] == [run.folder]
    assert sorted(path.name for path in (tmp_path / run.folder).iterdir()) == ["training.json", "weights"]
    steps = [done for stage, done, _ in told if stage == "fine-tuning, seed 0, steps"]
    assert steps == list(range(step // 2 * 2, STEPS + 1))


def test_half_a_checkpoint_is_passed_over(tmp_path):
    assert last_checkpoint(tmp_path) is None
    for step, state in ((8, "{}"), (10, '{"global_st'), (9, "{}")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-11").mkdir()
    assert last_checkpoint(tmp_path).name == "checkpoint-9"


def test_a_checkpoint_that_leads_nowhere_is_left(unbroken, model, mathematics, tmp_path, monkeypatch):
    """Where going on fails before the next checkpoint, the one after begins again."""

    def tune():
        return finetune(model, mathematics, SETTINGS, tmp_path)

    stop(monkeypatch, tune, 5, RuntimeError("a device is lost"))
    assert list(tmp_path.iterdir())
    stop(monkeypatch, tune, 4, RuntimeError("broken file"))
    assert not list(tmp_path.iterdir())
    assert facts(tune().runs[0]) == facts(unbroken)
