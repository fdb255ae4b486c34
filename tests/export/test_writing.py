"""All files or none."""

from pathlib import Path

import pytest

from sts_eval.errors import UserError
from sts_eval.export import write_all


def below(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_files_are_written_with_their_folders(tmp_path):
    files = {"a/b/c.json": "1", ".eval_results/d.yaml": "2"}
    written = write_all(tmp_path / "new", files)
    assert below(tmp_path / "new") == files
    assert len(written) == 2


def test_the_same_content_is_left_alone_and_another_is_kept_without_force(tmp_path):
    write_all(tmp_path, {"a": "1"})
    stamp = (tmp_path / "a").stat().st_mtime_ns
    assert write_all(tmp_path, {"a": "1", "b": "2"}) == (tmp_path / "b",)
    assert (tmp_path / "a").stat().st_mtime_ns == stamp
    with pytest.raises(UserError, match="exists with another content"):
        write_all(tmp_path, {"new": "3", "a": "changed"})
    assert below(tmp_path) == {"a": "1", "b": "2"}
    write_all(tmp_path, {"a": "changed"}, force=True)
    assert below(tmp_path) == {"a": "changed", "b": "2"}


def test_what_was_there_is_put_back_if_a_later_file_fails(tmp_path, monkeypatch):
    (tmp_path / "old").write_bytes(b"before")
    replace = Path.replace

    def failing(self, target):
        if Path(target).name == "last":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(UserError, match="No space left"):
        write_all(tmp_path, {"old": "after", "folder/new": "1", "last": "2"}, force=True)
    assert below(tmp_path) == {"old": "before"}
    assert not (tmp_path / "folder").exists()


def test_a_file_in_the_way_of_a_folder_is_a_mistake_and_nothing_is_written(tmp_path):
    (tmp_path / "data").write_bytes(b"x")
    with pytest.raises(UserError, match="data is a file"):
        write_all(tmp_path, {"first": "1", "data/a": "2"})
    assert below(tmp_path) == {"data": "x"}


def test_a_folder_in_the_way_of_a_file_is_a_mistake(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        write_all(tmp_path, {"a": "1"})
