"""What is installed: the wheel's files, and commands that run from it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import click
import pytest
import yaml

from sts_eval.cli import cli

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel that is built from a source distribution, as `python -m build` does."""
    pytest.importorskip("build", reason="needs the extra dev")
    pytest.importorskip("hatchling", reason="needs the extra dev")
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(folder.glob("sts_eval-*.tar.gz"))) == 1
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_what_runs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for tree in ("sts_eval", "leaderboard/sts_leaderboard"):
        words = [shutil.which("git"), "ls-files", tree]
        tracked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        wanted = {str((ROOT / name).relative_to((ROOT / tree).parent)) for name in tracked}
        assert len(wanted) > 20
        assert wanted <= names
    assert "sts_eval/py.typed" in names
    tasks = {f"lm_eval/tasks/sts_eval/{path.relative_to(ROOT / 'tasks')}" for path in (ROOT / "tasks").rglob("*.yaml")}
    assert tasks
    assert tasks <= names
    tops = {name.split("/")[0] for name in names} - {f"sts_eval-{PROJECT['version']}.dist-info"}
    assert tops == {"sts_eval", "sts_leaderboard", "lm_eval"}
    (points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert b"sts-eval = sts_eval.cli:main" in zipfile.ZipFile(wheel).read(points)


def test_commands_run_from_the_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")  # an installed wheel, without its dependencies
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def call(*words):
        command = [sys.executable, "-m", "sts_eval.cli", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    for what in ("model", "sae", "benchmark", "sft"):
        path = Path(call("lab", what))
        assert path.is_relative_to(tmp_path / "site")
        assert path.exists()
    assert call("--version").startswith(f"sts-eval, version {PROJECT['version']}")


def test_versions_are_said_the_same_everywhere():
    python = "Programming Language :: Python :: "
    supported = {name.removeprefix(python) for name in PROJECT["classifiers"] if name.startswith(f"{python}3.")}
    lowest = min(supported, key=lambda one: int(one.split(".")[1]))
    assert PROJECT["requires-python"] == f">={lowest}"
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]
    matrices = {name: jobs[name]["strategy"]["matrix"] for name in ("suite", "package")}
    assert {name: set(matrix["python"]) for name, matrix in matrices.items()} == dict.fromkeys(matrices, supported)
    assert {"python": lowest, "dependencies": "lowest-direct"} in matrices["suite"]["include"]
    assert set(matrices["package"]["built"]) == {"whl", "tar.gz"}
    assert docker("FROM")[0].removeprefix("python:").removesuffix("-slim") in supported
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]


def docker(instruction):
    """What follows an instruction of the Dockerfile, each time that it stands there."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{instruction} ") for line in lines if line.startswith(f"{instruction} ")]


def test_the_image_is_given_what_is_installed():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    wheel = built["targets"]["wheel"]
    wanted = [*wheel["packages"], *wheel["force-include"], PROJECT["readme"], *PROJECT["license-files"]]
    (install,) = (line for line in docker("RUN") if line.startswith("pip install"))
    wanted += ["pyproject.toml", *re.findall(r"--constraint (\S+)", install)]
    assert all((ROOT / name).exists() for name in wanted)
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {Path(name).parts[0] for name in wanted} & set(left_out)
    (extras,) = re.findall(r"'\.\[(.*)\]'", install)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_image_starts_commands_that_there_are():
    (entry,) = docker("ENTRYPOINT")
    assert json.loads(entry) == list(PROJECT["scripts"])
    whole = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n#", "")
    examples = [words.split() for words in re.findall(r"docker run .* sts-eval (.+)", whole)]
    assert len(examples) > 0
    for words in [json.loads(docker("CMD")[0]), *examples]:
        command, given = cli, list(words)
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), given.pop(0))
        options = {option for parameter in command.params for option in parameter.opts}
        assert options >= {word for word in given if word.startswith("-")}, words
