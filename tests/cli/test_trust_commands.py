"""Commands on what is no file, and on who runs a store."""

import json
import os

import pytest
from helpers.small_run import call
from helpers.submissions import plain, raw, submission


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.timeout(300)  # /dev/zero would fill the memory
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "endless link", "folder link"])
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "odd.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/zero"
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "endless link":
        path.symlink_to(path)
    else:
        path.symlink_to(tmp_path)
    store = ("--to", tmp_path / "store")
    for words in (("validate", path), ("submit", path, *store, "--submitter", "Ada"), ("preregister", path, *store)):
        ended = call("store", *words)
        assert ended.code == 2
        assert ended.err.startswith("Error: ")
        assert ended.err.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_an_ordinary_file_and_a_link_to_it_are_read(tmp_path):
    path = tmp_path / "whole.json"
    path.write_bytes(raw(submission()))
    (tmp_path / "link.json").symlink_to(path)
    ended = call("store", "validate", path, tmp_path / "link.json")
    assert (ended.code, ended.out.count("valid, recomputed")) == (0, 2)


def test_a_touched_ledger_is_told_with_exit_code_2(tmp_path):
    url = tmp_path / "store"
    path = tmp_path / "whole.json"
    path.write_bytes(raw(submission()))
    sha = submission().sha256()
    call("store", "submit", path, "--to", url)
    call("store", "ledger", "--store", url, "--say", "flagged", "--of", sha, "--why", "odd")
    assert call("store", "ledger", "--store", url).code == 0
    (first, _) = sorted((url / "ledger").iterdir())
    first.write_text(first.read_text().replace('"by":"Ada Lovelace"', '"by":"Eve"'))
    ended = call("store", "ledger", "--store", url)
    assert ended.code == 2
    assert ended.err.startswith("The chain is broken: entry-00000002-flagged")


def test_a_ledger_that_was_cut_off_is_told_to_who_kept_its_last_hash(tmp_path):
    url = tmp_path / "store"
    path = tmp_path / "whole.json"
    path.write_bytes(raw(submission()))
    call("store", "submit", path, "--to", url)
    kept = [call("store", "ledger", "--store", url, "--last").out.strip()]
    call("store", "ledger", "--store", url, "--say", "flagged", "--of", submission().sha256(), "--why", "odd")
    kept.append(call("store", "ledger", "--store", url, "--last").out.strip())
    assert [call("store", "ledger", "--store", url, "--holds", one).code for one in kept] == [0, 0]
    (*_, newest) = sorted((url / "ledger").iterdir())
    newest.unlink()
    assert call("store", "ledger", "--store", url).code == 0  # the rest is a whole chain
    assert call("store", "ledger", "--store", url, "--holds", kept[0]).code == 0
    ended = call("store", "ledger", "--store", url, "--holds", kept[1])
    assert (ended.code, ended.err) == (2, f'The chain is broken: there is no entry of the hash "{kept[1][:59]}....\n')


def test_a_store_is_configured_and_keeps_what_is_not_given(tmp_path):
    url, owner = tmp_path / "store", call("store", "key").out.strip()
    call("store", "configure", "--store", url, "--benchmark", "mmlu_pro")
    said = call("store", "configure", "--store", url, "--maintainer", owner)
    assert (said.code, said.out.strip()) == (
        0,
        f'{{"benchmark":"mmlu_pro","maintainers":["{owner}"],"schema_version":1}}',
    )
    refused = call("store", "configure", "--store", url, "--maintainer", "me")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_validate_tells_what_is_in_doubt(tmp_path):
    values = plain(submission(evidence=False))
    values["outcome"]["domains"][0]["n"] = 61  # of which no number is right in half
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(values))
    ended = call("store", "validate", path)
    assert ended.code == 0, ended.err
    assert "warning: No number of right answers gives the accuracies of 1 of 5 domains" in ended.out
