"""Every format reads to the same rows, and every mistake in a file is named with its place."""

import json

import pandas as pd
import pytest

from sts_eval.data.tables import is_local, read_table
from sts_eval.errors import UserError
from sts_eval.records.record import fingerprint

ROWS = [{"question": "Who?", "answer": "None"}, {"question": "Wo — ää?", "answer": "NA"}]


def write(path):
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n", encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(ROWS), encoding="utf-8")
    elif path.suffix == ".csv":
        pd.DataFrame(ROWS).to_csv(path, index=False)
    else:
        pd.DataFrame(ROWS).to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_formats(tmp_path, suffix):
    table = read_table(str(write(tmp_path / f"rows{suffix}")), split="train")
    assert [dict(row) for row in table.rows] == ROWS
    assert table.revision is None


def test_numbers_in_csv_stay_text(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\nHow many?,007\n", encoding="utf-8")
    assert dict(read_table(str(path), split="train").rows[0]) == {"question": "How many?", "answer": "007"}


BAD = {
    "missing.jsonl": (None, r"there is no file .*missing\.jsonl"),
    "rows.txt": ("x", r"rows\.txt is not a table this tool reads\. Give one of \.jsonl"),
    "empty.jsonl": ("", "empty.jsonl holds no rows"),
    "blank.jsonl": ("\n\n", "blank.jsonl holds no rows"),
    "empty.json": ("[]", "empty.json holds no rows"),
    "broken.jsonl": ('{"a": 1}\n\n{"a": \n', "broken.jsonl line 3 is not JSON"),
    "list.jsonl": ('{"a": 1}\n[1]\n', "list.jsonl line 2 is not a JSON object"),
    "broken.json": ("[\n{]", "broken.json is not JSON .* at line 2"),
    "object.json": ('{"a": 1}', "object.json is not a list of JSON objects"),
    "latin.jsonl": (b'{"a": "\xe4"}\n', "latin.jsonl is not UTF-8 text"),
    "latin.csv": (b"a\n\xe4\n", "latin.csv is not UTF-8 text"),
    "empty.csv": ("", "empty.csv cannot be read"),
    "header.csv": ("a,b\n", "header.csv holds no rows"),
    "broken.parquet": ("PAR1", r"broken\.parquet cannot be read .*Check that it is a parquet file"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message):
        read_table(str(path), split="train")


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("https://huggingface.co/datasets/GAIR/LIMO", r"Give the hub id: GAIR/LIMO\."),
        ("https://huggingface.co/datasets/GAIR/LIMO/tree/main", r"Give the hub id: GAIR/LIMO\."),
        ("https://example.com/rows.jsonl", "Download it, and give the path of the file"),
    ],
)
def test_a_web_address_is_no_table(address, remedy):
    with pytest.raises(UserError, match=f"{address} is a web address\\. {remedy}"):
        read_table(address, split="train")


def test_a_benchmark_in_place_of_a_training_set(tmp_path):
    for name in ("test", "validation"):
        (tmp_path / f"{name}.jsonl").write_text('{"question": "q"}\n')
    with pytest.raises(UserError, match=r"no files of split 'train'.*a benchmark is given with --domains"):
        read_table(str(tmp_path), split="train")


def test_what_is_local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert all(is_local(source) for source in ("data", "x.jsonl", "./x", "/x", "~/x"))
    assert not any(is_local(source) for source in ("GAIR/LIMO", "mmlu_pro"))


def test_fingerprint_depends_on_content_alone():
    assert fingerprint([{"a": 1, "b": "ä"}]) == fingerprint([{"b": "ä", "a": 1}])
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert fingerprint([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"  # SHA-256 of "[]"
