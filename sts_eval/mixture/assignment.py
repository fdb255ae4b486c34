"""Domains of rows that name none: the one whose questions a row's question is most similar to.

Similarity is the cosine between the TF-IDF vector of the row's question and the mean vector of the domain's questions,
with the words and weights of the predictor `tfidf_cosine`. No answer is read.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

import numpy as np

from sts_eval.predictors.lexical import tfidf_vectors


def assign(texts: Sequence[str], domains: Mapping[str, Sequence[str]]) -> list[str | None]:
    """The domain of each text; None where it has no word in common with any. `domains` are questions by name."""
    vectors = tfidf_vectors([*texts, *chain(*domains.values())])
    if vectors is None:
        return [None] * len(texts)
    ends = np.cumsum([len(texts), *map(len, domains.values())])
    centroids = np.vstack([np.asarray(vectors[start:end].mean(axis=0)) for start, end in pairwise(ends)])
    lengths = np.linalg.norm(centroids, axis=1)
    likeness = vectors[: len(texts)] @ (centroids / np.where(lengths, lengths, 1.0)[:, None]).T
    names = list(domains)
    return [names[int(row.argmax())] if row.any() else None for row in likeness]


def share_assigned_right(domains: Mapping[str, Sequence[str]]) -> float | None:
    """Share of every second question that the other questions assign to its own domain; None without such questions."""
    asked = [(text, name) for name, texts in domains.items() for text in texts[1::2]]
    if not asked:
        return None
    found = assign([text for text, _ in asked], {name: texts[::2] for name, texts in domains.items()})
    return float(np.mean([one == name for one, (_, name) in zip(found, asked, strict=True)]))
