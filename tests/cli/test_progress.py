"""What a long run tells where nobody looks at a terminal: a line per stage, one every 30 seconds, and no noise."""

import io
import logging
import warnings

import lm_eval.evaluator
import pytest
from tqdm.auto import tqdm

from sts_eval import progress
from sts_eval.progress import Lines, bars_of_others, found, told_in_lines
from sts_eval.quiet import no_environment, quiet_libraries


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def lines(clock, told):
    return Lines(told.append, clock)


def test_a_line_at_the_start_of_every_stage(lines, clock, told):
    lines("step 1", 0, 20)
    clock.now += 1
    lines("step 1", 10, 20)
    lines("step 2: law", 5, 50)
    assert told == ["[0:00:00] step 1: 0 of 20", "[0:00:01] step 2: law: 5 of 50"]


def test_every_thirty_seconds_what_is_done_and_how_long_is_left(lines, clock, told):
    for done in range(11):
        lines("steps", done, 100)
        clock.now += 10
    # 3 of 100 after 30 seconds: 97 are left at 10 seconds each, and so on.
    assert told == [
        "[0:00:00] steps: 0 of 100",
        "[0:00:30] steps: 3 of 100, about 0:16:10 left",
        "[0:01:00] steps: 6 of 100, about 0:15:40 left",
        "[0:01:30] steps: 9 of 100, about 0:15:10 left",
    ]


def test_what_is_left_counts_from_where_the_stage_began(lines, clock, told):
    """A seed that goes on at step 50 has not done 50 steps in a second."""
    lines("steps", 50, 100)
    clock.now += 40
    lines("steps", 52, 100)
    assert told[-1] == "[0:00:40] steps: 52 of 100, about 0:16:00 left"


def test_a_single_step_that_takes_long_is_told_of_too(lines, clock, told):
    lines("loading the model", 0, 1)
    for _ in range(70):
        clock.now += 1
        lines.tick()
    assert told == [f"[0:0{minute}] loading the model" for minute in ("0:00", "0:30", "1:00")]


def test_a_finished_stage_is_not_told_of_as_if_it_went_on(lines, clock, told):
    lines("step 1", 0, 20)
    clock.now += 10
    lines("step 1", 20, 20)
    for _ in range(45):
        clock.now += 1
        lines.tick()
    assert told == ["[0:00:00] step 1: 0 of 20", "[0:00:30] at work on what follows: step 1"]


def test_a_stage_that_begins_again_is_told_of_again(lines, clock, told):
    lines("requests", 0, 10)
    lines("requests", 10, 10)
    clock.now += 100
    lines("after", 1, 3)
    lines("requests", 0, 10)
    clock.now += 30
    lines("requests", 5, 10)
    assert told[-2:] == ["[0:01:40] requests: 0 of 10", "[0:02:10] requests: 5 of 10, about 0:00:30 left"]


def test_what_was_found_done_is_said(lines, told):
    found(lines, "prediction")
    assert told == ["[0:00:00] prediction: found, not made again"]


def test_only_the_main_process_tells(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    stream = io.StringIO()
    with told_in_lines(stream) as tell:
        tell("step 1", 0, 20)
    assert stream.getvalue() == ""


def test_bars_of_other_libraries_are_told_of_once_they_take_long(monkeypatch, told, capfd):
    monkeypatch.setattr(progress, "LONG", 0.0)
    with bars_of_others(lambda *step: told.append(step)):
        for _ in tqdm(range(3), desc="Running requests", mininterval=0):
            pass
        with tqdm(total=5 * 10**6, unit="B", desc="model.safetensors", mininterval=0) as bar:
            bar.update(2 * 10**6)
    assert ("Running requests", 3, 3) in told
    assert ("model.safetensors (MB)", 2, 5) in told
    monkeypatch.setattr(progress, "LONG", 60.0)
    told.clear()
    with bars_of_others(lambda *step: told.append(step)):
        list(tqdm(range(3), desc="Loading weights"))
    assert told == []
    assert capfd.readouterr().err == ""
    list(tqdm(range(3), desc="as before"))
    assert "as before" in capfd.readouterr().err


def test_announcements_of_other_libraries_are_left_out_and_warnings_are_not():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet_libraries()
        for category, module in (
            (FutureWarning, "transformers.trainer"),
            (DeprecationWarning, "torch.nn"),
            (UserWarning, "peft.peft_model"),
            (FutureWarning, "sts_eval.model.load"),
        ):
            warnings.warn_explicit("text", category, "file.py", 1, module=module)
    assert [one.category for one in caught] == [UserWarning, FutureWarning]
    assert not logging.getLogger("lm_eval.evaluator").isEnabledFor(logging.INFO)
    assert logging.getLogger("lm_eval.evaluator").isEnabledFor(logging.WARNING)


def test_git_is_not_asked_by_the_harness(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with no_environment():
        assert lm_eval.evaluator.get_git_commit_hash() is None
    assert capfd.readouterr().err == ""
    assert lm_eval.evaluator.get_git_commit_hash.__name__ == "get_git_commit_hash"
