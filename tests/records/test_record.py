"""Records: one text for equal content, whole files or none, and nothing that is not a number."""

import json
import math
import os
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from sts_eval.errors import UserError
from sts_eval.records.record import Record, check_writable, now, write_atomically


class Measurement(Record):
    name: str
    value: float
    parts: dict[str, float] = Field(default_factory=dict)


ONE = Measurement(name="größe", value=0.1, parts={"b": 2.0, "a": 1.0})


def test_canonical_text():
    assert ONE.canonical() == '{"name":"größe","parts":{"a":1.0,"b":2.0},"value":0.1}'
    # printf '{"name":"größe","parts":{"a":1.0,"b":2.0},"value":0.1}' | sha256sum
    assert ONE.sha256() == "78fd8c286172a048f22af27fee13c028cea1c78de669c289db3ddcbda503005f"


@pytest.mark.filterwarnings("error")
def test_an_empty_field_of_a_record_in_another_is_left_out_without_a_warning():
    class Inner(Record):
        kind: Literal["inner"] = "inner"
        note: str = Field(default="", exclude_if=lambda text: text == "")

    class Other(Record):
        kind: Literal["other"] = "other"

    class Outer(Record):
        kind: Literal["outer"] = "outer"
        part: Annotated[Inner | Other, Field(discriminator="kind")]

    assert json.loads(Outer(part=Inner()).canonical())["part"] == {"kind": "inner"}


def test_order_of_keys_does_not_matter():
    other = Measurement(value=0.1, parts={"a": 1.0, "b": 2.0}, name="größe")
    assert other == ONE
    assert other.sha256() == ONE.sha256()
    assert Measurement(name="größe", value=0.2).sha256() != ONE.sha256()


@pytest.mark.parametrize("value", [0.1, 1e-320, 1 / 3, 123456789.123456789, -0.0, 5e300])
def test_round_trip_is_exact(tmp_path, value):
    made = Measurement(name="x", value=value)
    made.write(tmp_path / "record.json")
    back = Measurement.read(tmp_path / "record.json")
    assert back == made
    assert math.copysign(1, back.value) == math.copysign(1, value)
    assert back.sha256() == made.sha256()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(tmp_path, value):
    with pytest.raises(ValidationError):
        Measurement(name="x", value=value)
    with pytest.raises(ValidationError):
        Measurement(name="x", value=1, parts={"a": value})
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"name": "x", "value": value}))
    with pytest.raises(UserError, match="not a valid measurement record"):
        Measurement.read(path)


def test_records_do_not_change():
    with pytest.raises(ValidationError):
        ONE.value = 2.0


BAD = {
    "unknown field": (
        '{"name": "x", "value": 1, "extra": 2}',
        "is not a valid measurement record: extra: Extra inputs",
    ),
    "missing field": ('{"name": "x"}', "is not a valid measurement record: value: Field required"),
    "nested": ('{"name": "x", "value": 1, "parts": {"a": "b"}}', r"record: parts\.a: "),
    "not json": ("{", "record: the top level: Invalid JSON"),
    "half of it": (ONE.canonical()[:20], "record: the top level: Invalid JSON"),
    "not text": (b"\xff\xfe\x00", "not a valid measurement record|cannot be read"),
}


@pytest.mark.parametrize("kind", BAD)
def test_files_that_are_no_such_record(tmp_path, kind):
    content, message = BAD[kind]
    path = tmp_path / "record.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message):
        Measurement.read(path)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        Measurement.read(tmp_path / "nowhere.json")
    with pytest.raises(UserError, match="is no ordinary file"):
        Measurement.read(tmp_path)


def fail(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, owner, name):
    path = tmp_path / "record.json"
    ONE.write(path)
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(UserError, match=r"record\.json cannot be written \(No space left on device\)"):
        Measurement(name="y", value=2).write(path)
    assert path.read_text(encoding="utf-8") == before
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ONE.write(tmp_path / "record.json")
    assert not list(tmp_path.iterdir())


def test_a_record_may_be_read_by_whoever_may_read_its_folder(tmp_path):
    ONE.write(tmp_path / "record.json")
    (tmp_path / "plain.json").write_text("{}")
    assert (tmp_path / "record.json").stat().st_mode == (tmp_path / "plain.json").stat().st_mode


def test_folders_are_made(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "c.txt", "text")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"


def test_a_path_that_cannot_be_written_is_found_without_writing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file is a file\. Give a folder"):
        check_writable(tmp_path / "file" / "out.json")
    with pytest.raises(UserError, match="is a folder"):
        check_writable(tmp_path)
    check_writable(tmp_path / "out.json")
    check_writable(tmp_path / "new" / "folder" / "out.json")
    with pytest.raises(UserError, match="File name too long"):
        check_writable(tmp_path / ("long" * 100) / "out.json")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_time_is_utc_to_the_second():
    assert now().endswith("+00:00")
    assert len(now()) == len("2026-01-01T00:00:00+00:00")
