"""Files as programs and people write them: encodings, separators, compression, shards, odd numbers."""

import bz2
import codecs
import gzip
import json
import lzma
import zipfile

import datasets
import pandas as pd
import pytest

from sts_eval.data.tables import is_local, read_table
from sts_eval.errors import UserError

ROWS = [{"question": "Wo, wann; wie?", "answer": "ä"}, {"question": "a\u2028b", "answer": "NA"}]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n"
LIST = json.dumps(ROWS, ensure_ascii=False)
COMMA = 'question,answer\n"Wo, wann; wie?",ä\na\u2028b,NA\n'
SEMICOLON = 'question;answer\n"Wo, wann; wie?";ä\na\u2028b;NA\n'
TAB = "question\tanswer\nWo, wann; wie?\tä\na\u2028b\tNA\n"


def read(path, split="train"):
    return read_table(str(path), split=split)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mark.jsonl", codecs.BOM_UTF8 + LINES.encode()),
        ("mark.json", codecs.BOM_UTF8 + LIST.encode()),
        ("mark.csv", codecs.BOM_UTF8 + COMMA.encode()),
        ("sixteen.jsonl", LINES.encode("utf-16")),
        ("sixteen.csv", codecs.BOM_UTF16_BE + SEMICOLON.encode("utf-16-be")),
        ("joined.jsonl", LINES.split("\n")[0].encode() + b"\n" + codecs.BOM_UTF8 + LINES.split("\n")[1].encode()),
        ("windows.jsonl", LINES.replace("\n", "\r\n").encode()),
        ("lines.json", LINES.encode()),
        ("list.jsonl", LIST.encode()),
        ("indented.jsonl", json.dumps(ROWS, indent=2).encode()),
        ("wrapped.json", json.dumps({"data": ROWS}).encode()),
        ("CAPITALS.JSONL", LINES.encode()),
        ("capitals.Json", LIST.encode()),
        ("capitals.CSV", COMMA.encode()),
        ("semicolon.csv", SEMICOLON.encode()),
        ("tab.csv", TAB.encode()),
        ("pipe.csv", SEMICOLON.replace(";", "|").replace("wann|", "wann;").encode()),
        ("tab.tsv", TAB.encode()),
        ("comma.tsv", COMMA.encode()),
        ("hint.csv", b"sep=;\n" + SEMICOLON.encode()),
        ("rows.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("ROWS.CSV.GZ", gzip.compress(COMMA.encode(), mtime=0)),
        ("rows.json.bz2", bz2.compress(LIST.encode())),
        ("rows.tsv.xz", lzma.compress(TAB.encode())),
    ],
)
def test_text_files(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert is_local(name)
    assert [dict(row) for row in read(tmp_path / name).rows] == ROWS


def test_a_zip_of_one_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "rows.jsonl.zip", "w") as file:
        file.writestr("rows.jsonl", LINES)
    assert [dict(row) for row in read(tmp_path / "rows.jsonl.zip").rows] == ROWS


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_zip_of_several_files(tmp_path):
    first, second = LINES.strip().split("\n")
    members = {"README.md": "x", "d/": "", "d/b.jsonl": second, "d/a.jsonl": first, "__MACOSX/d/._a.jsonl": "x"}
    found = read(zipped(tmp_path / "rows.zip", members))
    assert [dict(row) for row in found.rows] == ROWS
    assert [note.split("rows.zip: ")[1] for note in found.notes] == [
        "2 files were read: d/a.jsonl, d/b.jsonl",
        "not read: README.md",
    ]
    with pytest.raises(UserError, match=r"rows\.zip/d/a\.jsonl line 1 is not JSON"):
        read(zipped(tmp_path / "rows.zip", {"d/a.jsonl": "x"}))
    with pytest.raises(UserError, match=r"several kinds \(a\.csv, a\.jsonl\)"):
        read(zipped(tmp_path / "rows.zip", {"a.csv": COMMA, "a.jsonl": LINES}))
    with pytest.raises(UserError, match=r"holds no table \(its files: README\.md\)"):
        read(zipped(tmp_path / "rows.zip", {"README.md": "x"}))
    (tmp_path / "rows.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="cannot be unpacked"):
        read(tmp_path / "rows.zip")


def test_files_that_belong_to_no_split_are_said(tmp_path):
    for name in ("training_law", "math", "test"):
        (tmp_path / f"{name}.jsonl").write_text(LINES, encoding="utf-8")
    found = read(tmp_path)
    assert len(found.rows) == 2
    (note,) = found.notes
    assert note.endswith("not read, since other files of the folder are named by split: math.jsonl")


def test_another_separator_is_said(tmp_path):
    (tmp_path / "rows.csv").write_text(SEMICOLON, encoding="utf-8")
    (note,) = read(tmp_path / "rows.csv").notes
    assert note.endswith("columns are separated by ';'")
    (tmp_path / "rows.csv").write_text(COMMA, encoding="utf-8")
    assert read(tmp_path / "rows.csv").notes == ()


def test_a_single_column_stays_one(tmp_path):
    (tmp_path / "rows.csv").write_text("text\na; b\nc\n", encoding="utf-8")
    assert [dict(row) for row in read(tmp_path / "rows.csv").rows] == [{"text": "a; b"}, {"text": "c"}]


def test_odd_numbers_in_json(tmp_path):
    digits = "9" * 5000
    (tmp_path / "rows.jsonl").write_text(f'{{"a": {digits}, "b": NaN, "c": {10**40}}}\n', encoding="utf-8")
    row = read(tmp_path / "rows.jsonl").rows[0]
    assert row["a"] == digits
    assert row["b"] != row["b"]
    assert row["c"] == 10**40


@pytest.mark.parametrize("names", [("part-0", "part-1"), ("train-00000-of-00002", "train-00001-of-00002")])
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
@pytest.mark.parametrize("inner", ["", "data"])
def test_a_folder_of_files(tmp_path, names, suffix, inner):
    folder = tmp_path / inner
    folder.mkdir(exist_ok=True)
    (tmp_path / "README.md").write_text("---\n---\n", encoding="utf-8")
    for name, row in zip(names, ROWS, strict=True):
        frame = pd.DataFrame([row])
        path = folder / (name + suffix)
        frame.to_parquet(path) if suffix == ".parquet" else frame.to_json(path, orient="records", lines=True)
    assert [dict(row) for row in read(tmp_path).rows] == ROWS


def test_a_folder_with_splits(tmp_path):
    for split, row in zip(("train", "test"), ROWS, strict=True):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert [dict(row) for row in read(tmp_path).rows] == ROWS[:1]
    assert [dict(row) for row in read(tmp_path, "test").rows] == ROWS[1:]
    with pytest.raises(UserError, match=r"no files of split 'validation', only of train, test.*--sft-split"):
        read(tmp_path, "validation")


def test_a_saved_dataset(tmp_path):
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}).save_to_disk(tmp_path / "several")
    for name in ("one", "several"):
        assert [dict(row) for row in read(tmp_path / name).rows] == ROWS
    with pytest.raises(UserError, match="has no split 'test', only train"):
        read(tmp_path / "several", "test")


def test_a_folder_that_cannot_be_told(tmp_path):
    with pytest.raises(UserError, match="holds no table"):
        read(tmp_path)
    (tmp_path / "rows.jsonl").write_text(LINES, encoding="utf-8")
    (tmp_path / "rows.csv").write_text(COMMA, encoding="utf-8")
    with pytest.raises(UserError, match=r"several kinds \(\.csv, \.jsonl\), which may be the same rows twice"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "latin.json",
            '[{"a": "ä"}]'.encode("latin-1"),
            r"not UTF-8 text \(line 1\).*reads '\[\{\"a\": \"ä\"\}\]'.*iconv",
        ),
        ("quotes.csv", "a\n“ja”\n".encode("cp1252"), r"\(line 2\).*reads '“ja”'"),
        ("chinese.csv", "问题\n你好\n".encode("gb18030"), r"\(line 1\).*otherwise name its encoding after -f"),
        ("false.jsonl.gz", LINES.encode(), r"cannot be read .*[Gg]zip"),
        ("cut.jsonl.gz", gzip.compress(LINES.encode() * 99, mtime=0)[:60], "cannot be read"),
        ("long.csv", b"a,b\n1,2\n1,2,3\n", r"separator ',' .*line 3.*Quote every field that holds ','"),
        ("deep.json", b"[" * 100_000, "nested too deeply"),
        ("two.json", b'{"a": [{"b": 1}], "c": [{"d": 1}]}', "is not a list of JSON objects"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(tmp_path / name)


def test_the_configuration_of_a_hub_dataset(monkeypatch):
    asked = []

    def load_dataset(*names, **options):
        asked.append(names)
        if len(names) == 1:
            raise ValueError("Config name is missing. Please pick one among ['main', 'socratic']")
        return datasets.Dataset.from_list(ROWS)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert len(read("openai/gsm8k:main").rows) == 2
    assert asked == [("openai/gsm8k", "main")]
    with pytest.raises(UserError, match=r"\['main', 'socratic'\].*after a colon: openai/gsm8k:CONFIGURATION"):
        read("openai/gsm8k")
