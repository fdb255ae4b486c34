"""A run asked for from the page, as `sts-eval store request` asks."""

import pytest
from click.testing import CliRunner

from sts_eval.cli.store import request as command
from sts_eval.errors import UserError
from sts_eval.queue.queue import Queue
from sts_eval.store.store import Store
from sts_leaderboard.pages import queue
from sts_leaderboard.write_access import Quota

WANTED = {"model": "org/model", "training_set": "org/set", "sae_release": "", "sae_id": ""}


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def ask(store, *, by="", quota=None, **changes):
    return queue.ask(store, quota or Quota(store), by, **(WANTED | changes))


def test_the_page_and_the_command_line_ask_for_the_same_thing(store):
    told = ask(store, model=" org/model ")
    said = CliRunner().invoke(command, ["--store", store.url, "--model", "org/model", "--sft", "org/set"])
    key = said.output.split(": ")[1].strip()
    assert said.output.startswith(queue.ASKED_BEFORE)
    assert told == f"{queue.ASKED}: `{key[:12]}`"
    assert [one.request.by for one in Queue(store.files).entries()] == ["anonymous"]
    assert ask(store).startswith(queue.ASKED_BEFORE)


def test_who_has_signed_in_is_named_and_counted_alone(store):
    quota = Quota(store, most=1)
    ask(store, by="ada", quota=quota)
    assert Queue(store.files).entries()[0].request.by == "ada"
    ask(store, by="bob", quota=quota, model="org/other")
    with pytest.raises(UserError, match="1 submissions and requests a day"):
        ask(store, by="ada", quota=quota, model="org/third")
    assert len(Queue(store.files).entries()) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": ""}, "no name"),
        ({"model": "/etc/passwd"}, "no name"),
        ({"model": "just-a-name"}, "no model on the hub"),
        ({"training_set": "lab:math"}, "mixes the lab"),
        ({"sae_release": "gemma-scope"}, "a release and an id"),
        ({"model": "org/<img src=x>"}, "no name"),
    ],
)
def test_what_no_worker_could_run_is_refused_and_costs_nothing(store, changes, why):
    quota = Quota(store, most=1)
    with pytest.raises(UserError, match=why):
        ask(store, quota=quota, **changes)
    assert Queue(store.files).entries() == ()
    quota.take("")


def test_a_board_without_writes_has_no_handler_for_requests(store):
    """A hidden form would be no gate: there is nothing to call."""
    from sts_leaderboard.app import build

    def buttons(allow_writes):
        blocks = build(store, allow_writes=allow_writes)
        return {
            getattr(blocks.blocks[target], "elem_id", None)
            for function in blocks.fns.values()
            for target, event in function.targets
            if event == "click" and target in blocks.blocks
        }

    assert {"ask", "send"} <= buttons(allow_writes=True)
    assert not {"ask", "send"} & buttons(allow_writes=False)


def test_on_a_space_only_who_has_signed_in_asks(store, monkeypatch):
    import gradio as gr

    from sts_leaderboard.app import build

    monkeypatch.setenv("SPACE_ID", "org/board")
    monkeypatch.setattr(gr, "LoginButton", gr.Button)  # the real one needs what only a Space installs
    blocks = build(store, allow_writes=True)
    (button,) = (number for number, block in blocks.blocks.items() if getattr(block, "elem_id", None) == "ask")
    (asked,) = (one.fn for one in blocks.fns.values() if (button, "click") in one.targets)
    with pytest.raises(gr.Error, match="Sign in"):
        asked(None, "org/model", "org/set", "", "")
    assert Queue(store.files).entries() == ()
    ada = gr.OAuthProfile({"name": "Ada", "preferred_username": "ada", "profile": "", "picture": ""})
    assert asked(ada, "org/model", "org/set", "", "").startswith(queue.ASKED)
    assert [one.request.by for one in Queue(store.files).entries()] == ["ada"]
