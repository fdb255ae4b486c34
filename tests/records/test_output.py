"""What is written replaces nothing that is read, and nothing of another kind."""

import pytest
from helpers.meanings import courts
from helpers.records import prediction, transfer
from helpers.small_run import call

from sts_eval.errors import UserError
from sts_eval.records.output import check_output, check_outputs
from sts_eval.records.transfer import Transfer


@pytest.fixture
def there(tmp_path):
    """A transfer record, and beside it a text and a page."""
    transfer({"law": (1, 3)}).write(tmp_path / "transfer.json")
    for name in ("notes.txt", "page.html"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "read", "settings", "says"),
    [
        ("transfer.json", ("transfer.json",), {"kind": Transfer, "force": True}, "is one of the files that are read"),
        ("x/../transfer.json", ("transfer.json",), {"force": True}, "is one of the files that are read"),
        ("notes.txt", (".",), {"force": True}, "is in a folder that is read"),
        ("notes.txt", (), {"kind": Transfer}, "is there already and is no transfer record"),
        ("transfer.json", (), {"kind": Transfer, "force": False}, "--force"),
        ("transfer.json", (), {}, "is no page, document or picture"),
        ("transfer.json", (".",), {"kind": Transfer}, None),
        ("notes.txt", (), {"kind": Transfer, "force": True}, None),
        ("page.html", (".", None, object(), "org/hub"), {}, None),
        ("new.json", (".",), {"kind": Transfer, "force": False}, None),
    ],
)
def test_what_may_be_replaced(there, name, read, settings, says):
    read = [there / one if isinstance(one, str) else one for one in read]
    if says is None:
        check_output(there / name, read, **settings)
    else:
        with pytest.raises(UserError, match=says):
            check_output(there / name, read, **settings)


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "--model", "m", "--sft", "own.jsonl", "-o", "own.jsonl"),
        ("predict", "--model", "m", "--sft", "own.jsonl", "--html", "p.json"),
        ("predict", "--model", "m", "--sft", "other.jsonl", "-o", "own.jsonl"),
        ("predict", "--model", "m", "--sft", "own.jsonl", "-o", "new.html", "--html", "new.html"),
        ("features", "p.json", "--html", "p.json"),
        ("features", "p.json", "--judge", "m", "-o", "p.json"),
        ("gate", "t.json", "-o", "t.json"),
        ("gate", "t.json", "-o", "own.jsonl"),
        ("calibrate", "t.json", "-o", "p.json"),
        ("compare", "t.json", "-o", "taken"),
        ("compare", "t.json", "-o", "tables"),
        ("report", "p.json", "t.json", "-o", "p.json", "--force"),
        ("beside", "t.json", "-o", "p.json"),
        ("import", "--format", "table", "own.jsonl", "-o", "own.jsonl", "--force"),
    ],
)
def test_commands_leave_other_files_alone(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    prediction({"law": 2.0}).model_copy(update={"meanings": courts()}).write(tmp_path / "p.json")
    transfer({"law": (1, 3)}).write(tmp_path / "t.json")
    (tmp_path / "own.jsonl").write_text('{"question": "a", "solution": "b"}\n', encoding="utf-8")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "comparison.json").write_text("{}", encoding="utf-8")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "comparison.csv").write_text("a,b\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ended = call(*words)
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert "Give another name with" in ended.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.html", "scatter.png"])
def test_a_report_replaces_none_of_its_files_unasked(tmp_path, name):
    prediction({"law": 2.0}).write(tmp_path / "p.json")
    transfer({"law": (1, 3)}).write(tmp_path / "t.json")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine", encoding="utf-8")
    ended = call("report", tmp_path / "p.json", tmp_path / "t.json", "--folder", tmp_path / "out")
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert f"{name} is there already. Give another path, or --force to overwrite it" in ended.err
    assert [(path.name, path.read_text("utf-8")) for path in (tmp_path / "out").iterdir()] == [(name, "mine")]


def test_files_beside_a_record_are_replaced_with_an_earlier_one(there):
    paths = [there / "transfer.json", there / "notes.txt"]
    check_outputs(paths, kind=Transfer)
    paths[0].unlink()
    with pytest.raises(UserError, match=r"notes\.txt is there already and is no page"):
        check_outputs(paths, kind=Transfer)
    with pytest.raises(UserError, match=r"notes\.txt is one of the files that are read"):
        check_outputs(paths, (there / "notes.txt",), kind=Transfer, force=True)
