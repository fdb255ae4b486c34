"""`sts-eval env` and `--version`: what a report of a problem needs, without any path or name of the user's."""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import click

import sts_eval

PACKAGES = ("accelerate", "click", "gradio", "huggingface-hub", "numpy", "pandas", "ray", "sae-lens", "scipy", "trl")
VARIABLES = ("OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "WORLD_SIZE")


def version() -> str:
    """The version, and the commit of git that is installed or checked out where that is known."""
    commit = _commit()
    return f"{sts_eval.__version__} ({commit})" if commit else sts_eval.__version__


def _commit() -> str | None:
    root = Path(sts_eval.__file__).resolve().parents[1]
    git = shutil.which("git")
    if (root / ".git").exists() and git is not None:
        words = (git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- git, on our own files
        return f"commit {done.stdout.strip()}" if done.returncode == 0 else None
    try:
        origin = json.loads(importlib.metadata.distribution("sts-eval").read_text("direct_url.json") or "{}")
    except importlib.metadata.PackageNotFoundError:  # a source tree on the path
        return None
    commit = origin.get("vcs_info", {}).get("commit_id")
    return f"commit {commit[:12]}" if commit else None


@click.command("env")
def env() -> None:
    """Print versions and devices, for a report of a problem. No paths or names are among them."""
    import torch

    from sts_eval.model.load import default_device
    from sts_eval.records.versions import versions

    found = {"sts-eval": version()} | {name: one for name, one in versions(*PACKAGES).items() if name != "sts-eval"}
    found |= {"system": f"{platform.system()} {platform.machine()}", "cores": str(os.cpu_count())}
    found |= {"device": default_device(), "threads of torch": str(torch.get_num_threads())}
    for number in range(torch.cuda.device_count()):
        gigabytes = torch.cuda.get_device_properties(number).total_memory / 1e9
        found[f"GPU {number}"] = f"{torch.cuda.get_device_name(number)}, {gigabytes:.0f} GB"
    found |= {name: os.environ[name] for name in VARIABLES if name in os.environ}
    for name, value in found.items():
        click.echo(f"{name}: {value}")
