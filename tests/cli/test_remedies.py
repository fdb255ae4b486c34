"""What a message or document tells the user to type exists."""

import ast
import re
from pathlib import Path

import click
import lm_eval
import pytest
from helpers.small_run import call

import sts_eval
from sts_eval.cli import MOVED, cli
from sts_eval.experiment import Run
from sts_eval.settings import settings_of

ROOT = Path(sts_eval.__file__).parents[1]
SOURCES = sorted([*(ROOT / "sts_eval").rglob("*.py"), *(ROOT / "leaderboard").rglob("*.py")])
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "leaderboard").glob("*.md")])

FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
COMMAND = re.compile(r"sts-eval +([a-z]+)(?: +([a-z]+))?")
KEY = re.compile(r"\b(?:tune|measure|settings|benchmark|training_set)\.[a-z_]+\b(?!\()")

LM_EVAL = FLAG.findall((Path(lm_eval.__file__).parent / "_cli" / "run.py").read_text(encoding="utf-8"))
FOREIGN = {*LM_EVAL, "--head"}
"""Flags of lm_eval, and that of `ray start`."""

PROSE = {"on"}
"""Words behind the package's name where it is not a command."""


def tree(command=cli, name=()):
    """All commands by their words, groups included; the names that have moved are left out."""
    found = {name: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            found |= tree(command.get_command(context, word), (*name, word))
    return found


COMMANDS = tree()
FLAGS = {flag for command in COMMANDS.values() for one in command.params for flag in (*one.opts, *one.secondary_opts)}
KEYS = {f"{one.part}.{one.field}" for one in settings_of(Run)}


def text_of(node):
    """The fixed text of an expression; what a format puts in is left out."""
    strings = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return " ".join(strings)


def messages():
    """What every UserError says, with its place."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
                yield f"{file.relative_to(ROOT)}:{node.lineno}", " ".join(text_of(one) for one in node.args)


def helps():
    """The help of every command and option."""
    for words, command in COMMANDS.items():
        texts = [command.help, *(getattr(one, "help", None) for one in command.params)]
        yield " ".join(words), " ".join(text for text in texts if text)


SAID = [*messages(), *helps()]


def exists(first, second):
    """Whether two words behind the package's name are a command, or a command and its argument."""
    group = COMMANDS.get((first,))
    return group is not None and (not isinstance(group, click.Group) or second == "" or (first, second) in COMMANDS)


def test_what_messages_and_helps_name_exists():
    missing = [
        (where, name)
        for where, text in SAID
        for name in (
            *(set(FLAG.findall(text)) - FLAGS - FOREIGN),
            *(set(KEY.findall(text)) - KEYS),
            *(words for words in COMMAND.findall(text) if words[0] not in PROSE and not exists(*words)),
        )
    ]
    assert missing == []


def test_the_walk_finds_messages_and_helps():
    assert len(SAID) > 150
    assert any("--filter" in text for _, text in SAID)
    assert any("tune.allow_overlap" in text for _, text in SAID)
    assert not exists("submit", "")


def test_no_text_names_a_command_that_has_moved():
    named = [
        (str(file), first)
        for file in (*SOURCES, *DOCUMENTS)
        for first, _ in COMMAND.findall(file.read_text(encoding="utf-8"))
        if first in MOVED
    ]
    assert named == []


def typed(document):
    """The commands of ours in a document's blocks of code, continued lines joined and comments left out."""
    for block in re.findall(r"^```\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("sts-eval "):
                yield line.split(" #")[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_a_command_in_a_document_has_the_flags_that_it_is_given(document):
    for line in typed(document):
        words = re.sub(r"\$\(.*?\)", "", line).split()[1:]
        command = COMMANDS[(words[0],)]
        if isinstance(command, click.Group):
            command = COMMANDS[words[0], words[1]]
        known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
        assert set(FLAG.findall(" ".join(words))) <= known, line


@pytest.mark.parametrize(("old", "group"), MOVED.items())
def test_an_old_name_works_and_says_the_new_one(old, group):
    ended = call(old, "--help")
    assert ended.code == 0
    assert ended.err == f"`sts-eval {old}` is now `sts-eval {group} {old}`.\n"
    assert ended.out.splitlines()[1:] == call(group, old, "--help").out.splitlines()[1:]
    assert f"  {old} " not in call("--help").out


def test_models_that_have_no_sae_are_told_of_near_ones(capsys):
    ended = call("list", "saes", "gpt")
    assert (ended.code, "Did you mean gpt2" in ended.err, "`sts-eval sae train`" in ended.err) == (2, True, True)
    assert "pickle" not in call("list", "saes", "gpt2").out
    assert "pickle" in call("list", "saes", "Qwen/Qwen3-8B-Base").out


def test_a_reward_is_text_in_the_help():
    assert "--reward TEXT" in call("predict", "--help").out
