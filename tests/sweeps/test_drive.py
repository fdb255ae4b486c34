"""The loop with an engine that does what a script says: retries, quarantine, restarts, changed matrices."""

import os
import socket
import sys
from collections import Counter

import pytest
from helpers.sweeps import Scripted, hub_matrix

from sts_eval.errors import UserError
from sts_eval.sweeps.drive import Driver, drive, driver_of, open_book
from sts_eval.sweeps.stages import plan
from sts_eval.sweeps.state import StageRecord, record_place

MATRIX = hub_matrix()
STAGES = plan(MATRIX)


def first(kind):
    return next(stage.name for stage in STAGES if stage.kind == kind)


def go(folder, script=None, *, matrix=MATRIX, retry=False, predict_only=False, **options):
    engine = Scripted(script, **options)
    return drive(matrix, folder, engine, retry=retry, predict_only=predict_only), engine


def standings(book):
    return Counter(book.standings().values())


def test_all_is_done_once_and_after_what_it_needs(tmp_path):
    book, engine = go(tmp_path)
    assert standings(book) == {"done": 50}
    assert Counter(engine.ended) == dict.fromkeys(book.stages, 1)
    place = {name: index for index, name in enumerate(engine.ended)}
    for stage in STAGES:
        assert all(place[need] < place[stage.name] for need in stage.needs)
        assert not stage.needs_one or min(place[need] for need in stage.needs_one) < place[stage.name]
    assert go(tmp_path)[1].ended == []
    assert driver_of(tmp_path) is None


def test_predictions_alone_and_the_rest_later(tmp_path):
    book, engine = go(tmp_path, predict_only=True)
    assert {book.stages[name].kind for name in engine.ended} == {"predict"}
    assert len(engine.ended) == 12
    book, engine = go(tmp_path)
    assert len(engine.ended) == 50 - 12
    assert standings(book) == {"done": 50}


def test_what_breaks_is_tried_again_elsewhere_and_then_done(tmp_path):
    name = first("tune")
    book, engine = go(tmp_path, {name: ["broken", "broken"]})
    assert standings(book) == {"done": 50}
    tries = [task for task in engine.tasks if task.stage.name == name]
    assert [(task.attempts, task.avoid) for task in tries] == [(0, ""), (1, "somewhere"), (2, "somewhere")]
    assert book.records[name].attempts == 3
    assert book.records[name].log == f"logs/{name}-3.log"


def test_what_goes_on_breaking_is_quarantined_and_all_else_is_done(tmp_path):
    name = first("tune")
    book, engine = go(tmp_path, {name: ["broken"] * 9})
    assert engine.ended.count(name) == 3
    record = StageRecord.read(record_place(tmp_path, name))
    assert (record.status, record.attempts, record.line) == ("quarantined", 3, "broken on purpose")
    # Its own measurement, and the reports of both SAEs on that set.
    blocked = [book.stages[one].kind for one, standing in book.standings().items() if standing == "blocked"]
    assert Counter(blocked) == {"after": 1, "report": 2}
    assert standings(book) == {"done": 46, "quarantined": 1, "blocked": 3}


def test_a_mistake_is_quarantined_at_once(tmp_path):
    book, engine = go(tmp_path, {first("report"): ["mistake"]})
    assert engine.ended.count(first("report")) == 1
    assert standings(book) == {"done": 49, "quarantined": 1}


def test_a_lost_prediction_blocks_its_tunings_and_not_the_untuned_model(tmp_path):
    name = first("predict")
    book, _ = go(tmp_path, {name: ["mistake"]})
    blocked = Counter(book.stages[one].kind for one, standing in book.standings().items() if standing == "blocked")
    assert blocked == {"tune": 2, "after": 2, "report": 2}
    assert book.standing(first("before")) == "done"


def test_without_any_prediction_the_untuned_model_is_blocked(tmp_path):
    predictions = next(stage.needs_one for stage in STAGES if stage.kind == "before")
    book, _ = go(tmp_path, {name: ["mistake"] for name in predictions})
    assert book.standing(first("before")) == "blocked"
    assert standings(book) == {"done": 25, "quarantined": 6, "blocked": 19}


def test_quarantine_lasts_until_it_is_lifted(tmp_path):
    name = first("tune")
    go(tmp_path, {name: ["mistake"]})
    assert go(tmp_path)[1].ended == []
    book, engine = go(tmp_path, retry=True)
    assert sorted(engine.ended) == sorted([name, *(s.name for s in STAGES if s.name in blocked_by(name))])
    assert standings(book) == {"done": 50}
    assert book.records[name].attempts == 1


def blocked_by(name):
    found = {name}
    for stage in STAGES:
        if found & set(stage.needs):
            found.add(stage.name)
    return found - {name}


@pytest.mark.parametrize("after", [0, 1, 13, 37])
def test_a_driver_that_is_stopped_goes_on_where_it_was(tmp_path, after):
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, stop_after=after)
    book, engine = go(tmp_path)
    assert standings(book) == {"done": 50}
    assert len(engine.ended) == 50 - after


def test_failures_count_over_restarts_and_interruptions_do_not(tmp_path):
    name = first("predict")
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, {name: ["broken"] * 9}, stop_after=1)
    begun = StageRecord.read(record_place(tmp_path, name))
    begun.model_copy(update={"status": "running"}).write(record_place(tmp_path, name))  # a worker had begun again
    book, engine = go(tmp_path, {name: ["broken"] * 9})
    assert engine.ended.count(name) == 2
    assert book.records[name].attempts == 3


def test_more_sets_do_only_what_is_new(tmp_path):
    fewer = MATRIX.model_copy(update={"training_sets": MATRIX.training_sets[:2]})
    go(tmp_path, matrix=fewer)
    _, engine = go(tmp_path)
    # One more set: 4 predictions, 2 models x 2 seeds, 4 reports, and no untuned model.
    kinds = Counter(name.split("-")[0] for name in engine.ended)
    assert kinds == {"predict": 4, "tune": 4, "after": 4, "report": 4}


def test_a_changed_setting_redoes_what_depends_on_it_even_what_was_quarantined(tmp_path):
    go(tmp_path, {first("report"): ["mistake"]})
    changed = MATRIX.model_copy(update={"measure": MATRIX.measure.model_copy(update={"max_questions": 2})})
    book, engine = go(tmp_path, matrix=changed)
    kinds = Counter(name.split("-")[0] for name in engine.ended)
    assert kinds == {"before": 2, "after": 12, "report": 12}
    assert standings(book) == {"done": 50}


def test_what_was_made_and_is_gone_is_made_again(tmp_path):
    book, _ = go(tmp_path)
    name = first("tune")
    made = book.records[name].model_copy(update={"made": ("tuning/weights",)})
    made.write(record_place(tmp_path, name))
    assert go(tmp_path)[1].ended == [name]


def test_a_damaged_record_is_no_record(tmp_path):
    go(tmp_path)
    record_place(tmp_path, first("before")).write_text("{", encoding="utf-8")
    assert go(tmp_path)[1].ended == [first("before")]


def test_one_driver_at_a_time(tmp_path):
    mine = Driver(host=socket.gethostname(), pid=os.getpid(), started="now", place="a script", width=1)
    mine.write(tmp_path / "driver.json")
    with pytest.raises(UserError, match=f"in use by process {os.getpid()} on "):
        go(tmp_path)
    if sys.platform == "win32":
        return  # whether it still runs is not asked there
    gone = mine.model_copy(update={"pid": 2**22 + 1})  # above the largest id that Linux gives
    gone.write(tmp_path / "driver.json")
    assert standings(go(tmp_path)[0]) == {"done": 50}
    other = mine.model_copy(update={"host": "elsewhere"})
    other.write(tmp_path / "driver.json")
    with pytest.raises(UserError, match="on elsewhere"):
        go(tmp_path)
    os.utime(tmp_path / "driver.json", (0, 0))  # no sign of life since long
    assert go(tmp_path)[1].ended == []


def test_how_long_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, stop_after=20)
    assert open_book(MATRIX, tmp_path).seconds_left(2) is None  # no report was made yet
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, stop_after=26)
    left = standings(open_book(MATRIX, tmp_path))
    assert left["done"] == 46
    assert open_book(MATRIX, tmp_path).seconds_left(2) == 4 * 2.0 / 2  # two seconds each, two at once
