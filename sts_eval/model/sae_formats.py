"""Folders of SAEs as different projects write them: which format a folder is in, and its weights in sae-lens's terms.

sae-lens has converters for most of these, but they fetch from a hub repository whose name they take apart, so they do
not read a folder. Where both exist they agree, sparsify aside (see `sae_readers`).
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sts_eval.errors import UserError
from sts_eval.model import sae_lens_files, sae_readers
from sts_eval.model.sae_terms import Converted, Values

PICKLES = (".pt", ".pth", ".bin", ".pkl")


class Format(NamedTuple):
    """How a project lays out an SAE's folder."""

    name: str
    weights: tuple[str, ...]  # patterns of the file of the weights
    config: str  # its JSON file; where `key` is None the SAE can be read without it
    key: str | None  # a key of the config that tells the format from others; any config if empty
    read: Callable[[Values, Path, str], Converted]


FORMATS = (
    Format("sae-lens", ("sae_weights.safetensors",), "cfg.json", "", sae_lens_files.sae_lens),
    Format("sparsify", ("sae.safetensors",), "cfg.json", "", sae_readers.sparsify),
    Format("Gemma Scope", ("params.npz",), "config.json", None, sae_readers.gemma_scope),
    Format("Gemma Scope 2", ("params.safetensors",), "config.json", None, sae_readers.gemma_scope_2),
    Format("Llama Scope", ("checkpoints/*.safetensors",), "hyperparams.json", "", sae_readers.llama_scope),
    Format("Llama Scope", ("sae_weights.safetensors",), "config.json", "hook_point_in", sae_readers.llama_scope),
    Format("dictionary_learning", ("ae.*",), "config.json", "trainer", sae_readers.dictionary_learning),
    Format("BatchTopK", ("sae.*",), "config.json", "sae_type", sae_readers.batch_top_k),
    Format("Qwen Scope", ("*.sae.pt",), "config.json", None, sae_readers.qwen_scope),
    Format("sae-lens", tuple(f"*{ending}" for ending in PICKLES), "cfg.json", "", sae_lens_files.sae_lens_pickle),
)

_SHOWN = 5  # files that a message names

KNOWN = ", ".join(dict.fromkeys(one.name for one in FORMATS))


class Found(NamedTuple):
    """An SAE on disk."""

    format: Format
    config: Values
    weights: Path

    @property
    def pickled(self) -> bool:
        """Whether opening the weights could run code."""
        return self.weights.suffix in PICKLES


def find_sae(path: Path) -> Found:
    """The SAE that a folder or a file of weights holds.

    Raises:
        UserError: There is none, there are several, or its format is not known.
        ValueError: A config file is not JSON.
    """
    if path.is_file():
        folders = (path.parent, path.parent.parent)
        found = next((one for folder in folders for one in _in_folder(folder) if path == one.weights), None)
        if found is None:
            raise UserError(
                f"the format of the SAE {path} is not known",
                f"Give the folder that also holds its config file; formats that can be read: {KNOWN}",
            )
        return found
    if not path.is_dir():
        raise UserError(f"there is no SAE folder {path}", f"Check the path; formats that can be read: {KNOWN}")
    own = list(_in_folder(path))
    if len({one.weights for one in own if one.format is own[0].format}) > 1:
        raise UserError(
            f"{path} holds several SAEs ({', '.join(one.weights.name for one in own[:3])}, ...)",
            f"Give the file of one, such as --sae-path {own[0].weights}",
        )
    if not own:
        raise _none_in(path)
    return own[0]


def _in_folder(folder: Path) -> Iterator[Found]:
    for one in FORMATS:
        weights = sorted({file for pattern in one.weights for file in folder.glob(pattern)})
        config = folder / one.config
        if not weights or (one.key is not None and not config.is_file()):
            continue
        values = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
        if isinstance(values, dict) and (not one.key or one.key in values):
            yield from (Found(one, values, file) for file in weights)


def _none_in(path: Path) -> UserError:
    inner = [folder for folder in sorted(path.rglob("*")) if folder.is_dir() and next(_in_folder(folder), None)]
    if inner:
        return UserError(
            f"{path} holds no SAE itself, but {len(inner)} of its folders do",
            f"Give one of them: --sae-path {inner[0]}",
        )
    names = ", ".join(sorted(file.name for file in path.iterdir())[:_SHOWN])
    what = f" (files: {names})" if names else " (it is empty)"
    return UserError(
        f"{path} holds no SAE in a format that is known{what}",
        f"Formats that can be read: {KNOWN}. sae-lens's own needs cfg.json and sae_weights.safetensors",
    )
