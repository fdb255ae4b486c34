"""A small world of our own in which the whole tool can be tried in minutes and without a network.

A language model of two million parameters, a sparse autoencoder of its residual stream, a benchmark with
MMLU-Pro's columns and categories, and fine-tuning sets: all made by `sts_eval.lab.build.build` from a
seed and shipped with the package. Nothing else in the package knows about the lab; it is an ordinary
model with ordinary data, found by the paths below. Importing this module loads no torch.
"""

from pathlib import Path

from sts_eval.errors import UserError

SFT_SETS: tuple[str, ...] = ("math", "code", "health", "law", "business", "history")  # fine-tuning sets

_FILES = Path(__file__).parent / "files"


def model_path() -> Path:
    """Folder of the model and its tokenizer, as `AutoModelForCausalLM.from_pretrained` takes it."""
    return _FILES / "model"


def sae_path() -> Path:
    """Folder of the sparse autoencoder, as `sae_lens.SAE.load_from_disk` takes it."""
    return _FILES / "sae"


def benchmark_path() -> Path:
    """Folder of ``test.parquet`` and ``validation.parquet``."""
    return _FILES / "benchmark"


def sft_path(name: str) -> Path:
    """File of a fine-tuning set: JSON lines with question, solution and answer.

    Raises:
        UserError: There is no set of that name.
    """
    if name not in SFT_SETS:
        raise UserError(f"the lab has no fine-tuning set {name!r}", f"Use one of: {', '.join(SFT_SETS)}")
    return _FILES / "sft" / f"{name}.jsonl"


def math_path() -> Path:
    """File of the mathematics set, which the lab's harness task takes where no other set is named."""
    return sft_path("math")
