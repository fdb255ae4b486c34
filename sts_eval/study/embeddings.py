"""Sentence embeddings of the training set and the domains, by an encoder that is not the model itself.

By default the encoder is the static model that the package wordllama ships: 32,000 token vectors of 256 dimensions,
whose mean over a text's tokens is its embedding. Only its two data files are read, without import; nothing is
downloaded. Any other name is a model of sentence-transformers: an id on the hub, or a folder.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.study.study import Embeddings

SHIPPED = "wordllama"
STATIC_FILES = "l2_supercat_256.safetensors", "l2_supercat_tokenizer_config.json"  # token vectors, tokenizer
WITHOUT_WHEEL = (3, 14)  # the first Python for which there is no wheel of it; so the extra leaves it out
ROWS = 2000  # most rows of the training set that are embedded

Floats = NDArray[np.float64]
Encode = Callable[[Sequence[str]], Floats]  # from texts to embeddings, shape (n_texts, d)


@lru_cache(maxsize=1)
def load_encoder(name: str) -> Encode:
    """The encoder of a name, loaded once.

    Raises:
        UserError: The package that it needs is not installed, or there is no such model.
    """
    package = SHIPPED if name == SHIPPED else "sentence_transformers"
    found = importlib.util.find_spec(package)
    if found is None:
        raise UserError(
            f"sentence embeddings by {name!r} need the package {package.replace('_', '-')}, which is not installed",
            f"{_ways(name)}, or leave out the predictor embedding_cosine",
        )
    if name == SHIPPED:
        return _static(Path(str(found.origin)).parent)
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(name)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the sentence encoder {name!r} cannot be loaded ({reason})",
            "Give the id or folder of a sentence-transformers model with --embeddings",
        ) from error
    return lambda texts: np.asarray(model.encode(list(texts), show_progress_bar=False), dtype=np.float64)


def read_embeddings(
    encoder: str, training: Sequence[Example], domains: Mapping[str, Sequence[str]], seed: int
) -> Embeddings:
    """Mean embeddings of the training set's rows and of each domain's questions, each text at length one.

    Of a long training set, rows are drawn.

    Raises:
        UserError: As for `load_encoder`.
    """
    rows = [training[index] for index in sorted(shuffled(len(training), seed, "embedded rows")[:ROWS])]

    def mean(texts: Sequence[str]) -> Floats:
        vectors = load_encoder(encoder)(texts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray((vectors / np.where(lengths > 0, lengths, 1)).mean(axis=0))

    return Embeddings(
        training=mean([f"{row.question}\n{row.solution}" for row in rows]),
        domains={name: mean(texts) for name, texts in domains.items()},
    )


def _ways(name: str) -> str:
    """What helps where the package of an encoder is missing."""
    install, another = "pip install 'sts-eval[embeddings]'", "name a sentence-transformers model with --embeddings"
    if name != SHIPPED:
        return install
    if sys.version_info >= WITHOUT_WHEEL:
        return f"There is no {SHIPPED} for this Python: {another}"
    return f"{install}, {another}"


def _static(folder: Path) -> Encode:
    """Token vectors and tokenizer as wordllama's wheel holds them.

    Raises:
        UserError: The installed version holds other files.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    files = [next(folder.rglob(name), None) for name in STATIC_FILES]
    if None in files:
        raise UserError(f"{folder} holds no static embeddings", "pip install 'wordllama>=0.4'")
    weights, vocabulary = map(str, files)
    vectors = load_file(weights)["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(vocabulary)
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(texts: Sequence[str]) -> Floats:
        read = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return np.stack([vectors[one.ids].mean(axis=0) if one.ids else np.zeros(vectors.shape[1]) for one in read])

    return encode
