"""Studies made of given numbers, for tests of predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from helpers import tiny

from sts_eval.data.training_set import Example
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.study.activations import Moments
from sts_eval.study.shifted_features import Shift
from sts_eval.study.sinks import BothWays
from sts_eval.study.study import Activations, Answering, LastTokens, Losses, Study, Texts


def moments(residuals=((0.0,),), features=((0.0,),), *, residual_shift=None, feature_shift=None, frequency=None):
    """Moments of questions that are one token each. Rows are tokens; shifts are given as they are, or are zero."""
    residuals, features = np.array(residuals, dtype=np.float64), np.array(features, dtype=np.float64)
    return Moments(
        residual=residuals.mean(axis=0),
        residual_size=np.abs(residuals).mean(axis=0),
        residual_norm=float(np.linalg.norm(residuals, axis=1).mean()),
        residual_shift=_given(residual_shift, residuals.shape[1]),
        feature=features.mean(axis=0),
        frequency=(features > 0).mean(axis=0) if frequency is None else np.array(frequency, dtype=np.float64),
        feature_shift=_given(feature_shift, features.shape[1]),
        sample=residuals,
        questions=residuals,
    )


def active_study(
    training: Moments, domains: Mapping[str, Moments], *, shifted: Sequence[int] | None = None, seed: int = 0
) -> Study:
    """A study with activations, whose sampled tokens are the last ones too.

    With a shift and a decoder if the shift's features are given.
    """
    last = LastTokens(training.sample, {name: one.sample for name, one in domains.items()})
    parts: list[object] = [Activations(training, domains), last]
    if shifted is not None:
        d_sae = len(training.feature)
        parts += [shift(shifted, d_sae), decoder(np.random.default_rng(0).normal(size=(d_sae, 5)))]
    return Study(Texts([], {}), parts, seed=seed)


def decoder(rows: Sequence[Sequence[float]] | np.ndarray) -> SparseAutoencoder:
    """An SAE with these decoder rows."""
    weights = torch.tensor(np.asarray(rows), dtype=torch.float32)
    made = tiny.sae("standard", d_in=weights.shape[1], d_sae=weights.shape[0])
    made.W_dec.data = weights
    return tiny.autoencoder(made)


def text_study(
    rows: Sequence[tuple[str, str]],
    domains: Mapping[str, Sequence[str]],
    *,
    solutions: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Study:
    """A study of texts alone; rows are pairs of question and solution, solutions those of demonstrations by domain."""
    return Study(Texts([Example(*row) for row in rows], domains, solutions or {}), seed=seed)


def labelled_study(domains: Mapping[str, tuple[np.ndarray, Sequence[bool]]], *, seed: int = 0) -> Study:
    """A study of residuals (n_questions, d_model) by domain, and of whether each question is answered right."""
    return Study(
        Texts([], {}),
        [
            Activations(moments(), {name: moments(residuals) for name, (residuals, _) in domains.items()}),
            Losses(alone={name: answering(right) for name, (_, right) in domains.items()}, shown={}),
        ],
        seed=seed,
    )


def answering(right: Sequence[bool]) -> Answering:
    """Questions with two options of one token, of which the first is right, and likelier where it is answered so."""
    return Answering(
        question_nll=np.zeros(len(right)),
        option_logprobs=[np.log([0.75, 0.25] if one else [0.25, 0.75]) for one in right],
        option_tokens=[np.array([1, 1])] * len(right),
        right=np.zeros(len(right), dtype=np.int64),
    )


def shift(features: Sequence[int], d_sae: int) -> Shift:
    """A shift that moves the given features, and no other."""
    return Shift(
        seed=0,
        score=np.isin(np.arange(d_sae), features).astype(np.float64),
        features=tuple(features),
        both=BothWays(tuple(features), tuple(features)),
        demonstrations=(0, 1),
        questions=(2,),
        n_tokens=1,
        seen=(0, 0, 1),
        sinks={},
        prompts_sha256="0",
    )


def _given(values, size):
    return np.zeros(size) if values is None else np.array(values, dtype=np.float64)
