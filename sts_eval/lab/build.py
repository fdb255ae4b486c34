"""Make every shipped file of the lab from nothing but a seed.

The benchmark and the tuning sets come out the same to the byte on every machine. The weights do not:
floating-point sums depend on the processor and the number of threads, so a rebuilt model agrees with the
shipped one in what it can do, not in its bits.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from sts_eval.lab.benchmark import CARD, SIZES, benchmark_rows
from sts_eval.lab.corpus import documents, text
from sts_eval.lab.model import BaseTraining, ModelShape, save_model, train_base, train_tokenizer
from sts_eval.lab.sae import SAETraining, residual_stream, save_sae, train_sae
from sts_eval.lab.sets import RECIPES, to_json_lines, training_rows
from sts_eval.lab.world import World

_TOKENIZER_DOCUMENTS = 6_000


def build(destination: Path, *, seed: int = 0, scale: float = 1.0, progress: bool = True) -> None:
    """Build the benchmark, the tuning sets, the model and its SAE in folders of `destination`.

    Each of the four folders is written beside its place and renamed into it when complete, replacing
    what was there; a build that is stopped leaves no half-written folder behind. The shipped files are those of
    seed 0. A `scale` below 1 trains on that share of the tokens: the formats stay and the competence goes; the
    benchmark and the sets do not depend on it.
    """
    world = World.generate(seed)
    destination.mkdir(parents=True, exist_ok=True)

    with _replacing(destination / "benchmark") as folder:
        for split, n in SIZES.items():
            benchmark_rows(world, split, n).to_parquet(folder / f"{split}.parquet", compression="zstd", index=False)
        (folder / "benchmark.json").write_text(json.dumps(CARD) + "\n", encoding="utf-8", newline="\n")
    with _replacing(destination / "sft") as folder:
        for name in RECIPES:
            rows = to_json_lines(training_rows(world, name))
            (folder / f"{name}.jsonl").write_text(rows, encoding="utf-8", newline="\n")
    build_model(world, destination, ModelRecipe(seed=seed), scale=scale, progress=progress)


@dataclass(frozen=True)
class ModelRecipe:
    """A model of a world, with its SAE."""

    shape: ModelShape = field(default_factory=ModelShape)
    base: BaseTraining = field(default_factory=BaseTraining)
    sae: SAETraining = field(default_factory=SAETraining)
    seed: int = 0  # of the weights and of the text: every seed has text of its own about the same world


def build_model(
    world: World, destination: Path, recipe: ModelRecipe, *, scale: float = 1.0, progress: bool = True
) -> None:
    """Train a model that knows a world, and its SAE, into ``model/`` and ``sae/``; `scale` as for `build`."""
    destination.mkdir(parents=True, exist_ok=True)
    sample = islice(documents(world), max(100, round(_TOKENIZER_DOCUMENTS * scale)))
    tokenizer = train_tokenizer(text(document) for document in sample)
    base = replace(recipe.base, n_tokens=round(recipe.base.n_tokens * scale))
    read = documents(world, stream=2 * recipe.seed)
    model = train_base(read, tokenizer, base, recipe.shape, seed=recipe.seed, progress=progress)
    with _replacing(destination / "model") as folder:
        save_model(model, tokenizer, folder)

    activations = residual_stream(
        model,
        documents(world, stream=2 * recipe.seed + 1),
        tokenizer,
        max(2_048, round(recipe.sae.n_activations * scale)),
        layer=recipe.sae.layer,
        progress=progress,
    )
    sae = train_sae(activations, recipe.sae, seed=recipe.seed, progress=progress)
    with _replacing(destination / "sae") as folder:
        save_sae(sae, folder)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, and put it in the place of `folder` when that is done."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh = Path(temporary) / "new"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        fresh.rename(folder)
