"""From where the shifted features fire to what a record says they mean."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from sts_eval.model.known_saes import neuronpedia_url
from sts_eval.records.meaning import (
    LONGEST_PIECE,
    NEUTRAL,
    TRAINING,
    BackgroundExcerpt,
    Excerpt,
    FeatureMeaning,
    LabelRate,
    Meanings,
    Piece,
    Source,
)
from sts_eval.records.prediction import DataIdentity
from sts_eval.statistics.matched import matched_null
from sts_eval.study.extractor import Extractor
from sts_eval.study.firings import LABELLED, Firings, Window
from sts_eval.study.lens import promoted_tokens
from sts_eval.study.particular import Floats, labels, particularity, reasons_to_drop, spread
from sts_eval.study.shifted_features import Shift

DESCRIBED = 100  # most features whose excerpts are recorded

_INCOMPLETE = "\ufffd"  # what tokenizers write for a part of a character

Decode = Callable[[Sequence[int]], str]


def describe(extractor: Extractor, shift: Shift, firings: Firings, neutral: DataIdentity) -> Meanings:
    """Rank the shifted features by what is particular to the training set, and say where they fire and in which source.

    Base rates are taken over all features that fire on any sample.
    """
    decode, shifted = extractor.prompter.tokenizer.decode, list(shift.features)
    sources, activity = firings.sources, firings.activity()
    means = np.array([activity[source].mean for source in sources])
    frequency = np.array([activity[source].frequency for source in sources]).mean(axis=0)
    others = [source for source in sources if source != TRAINING]
    domains = [source for source in others if source != NEUTRAL]
    place = {source: number for number, source in enumerate(sources)}
    counts = firings.counts(LABELLED)
    label = labels(counts, means)
    usual = np.mean([activity[source].square[shifted] for source in others], axis=0)
    particular = particularity(shift.score[shifted], usual)
    inside = means[:, shifted]
    dropped = reasons_to_drop(
        inside[place[TRAINING]], inside[[place[name] for name in domains]], inside[place[NEUTRAL]]
    )
    spreads = spread(inside[[place[name] for name in others]])
    order = sorted(range(len(shifted)), key=lambda number: (bool(dropped[number]), -particular[number], number))
    shares = np.divide(inside, inside.sum(axis=0), out=np.zeros_like(inside), where=inside.sum(axis=0) > 0)
    promoted = promoted_tokens(extractor, shifted)
    features = tuple(
        FeatureMeaning(
            feature=shifted[number],
            shift=float(shift.score[shifted[number]]),
            usual=float(usual[number]),
            particular=float(particular[number]),
            spread=float(spreads[number]),
            dropped=dropped[number],
            shares={source: round(float(shares[place[source], number]), 4) for source in sources},
            strongest={source: int(n) for source, n in zip(sources, counts[:, shifted[number]], strict=True) if n},
            label=sources[label[shifted[number]]] if label[shifted[number]] >= 0 else None,
            promotes=tuple(decode([token])[:LONGEST_PIECE] for token in promoted[number]),
            neuronpedia=neuronpedia_url(extractor.autoencoder.neuronpedia_id, shifted[number]),
            excerpts=tuple(
                Excerpt(source=one.source, pieces=tuple(pieces(one.window, decode)))
                for one in firings.strongest(number)[: extractor.settings.excerpts]
            )
            if rank < DESCRIBED
            else (),
        )
        for rank, number in enumerate(order)
    )
    return Meanings(
        neutral=neutral.source,
        neutral_sha256=neutral.sha256,
        sources={name: Source(n_samples=firings.n_samples[name], n_tokens=firings.n_tokens[name]) for name in sources},
        n_live=int((label >= 0).sum()),
        rates=tuple(label_rates(label, shifted, frequency, sources)),
        features=features,
        background=tuple(
            BackgroundExcerpt(source=one.source, text=decode(one.ids)[: LONGEST_PIECE * 16], fires=one.fires)
            for one in firings.background
        ),
    )


def pieces(window: Window, decode: Decode) -> Iterator[Piece]:
    """The text of a window, cut at every token that fires, with activations to four digits.

    Tokens are decoded behind what stands before them, since some tokenizers write a space only there. A token that is
    a part of a character goes with the one that completes it.
    """
    text, stop, strongest = "", 0, 0.0
    for _, run in groupby(range(len(window.ids)), key=lambda at: at if window.activations[at] > 0 else -1):
        start, stop = stop, stop + len(list(run))
        whole = decode(window.ids[:stop])
        own = whole[len(text) :] if whole.startswith(text) else decode(window.ids[start:stop])
        own, text = own.rstrip(_INCOMPLETE), whole.rstrip(_INCOMPLETE)
        strongest = max(strongest, window.activations[start])
        if own:
            yield _piece(own, strongest)
            strongest = 0.0
    if strongest:
        yield _piece(_INCOMPLETE, strongest)


def _piece(text: str, activation: float) -> Piece:
    return Piece(text=text[:LONGEST_PIECE], activation=float(f"{activation:.4g}"))


def label_rates(
    label: np.ndarray, shifted: Sequence[int], frequency: Floats, sources: Sequence[str]
) -> Iterator[LabelRate]:
    """How often shifted features carry the training set's label and each other that any of them carries.

    The most frequent comes first.

    `label` are places in `sources`, -1 for features that fire nowhere, and like `frequency` of shape (d_sae,).
    """
    live = label >= 0
    chosen = np.isin(np.arange(len(label)), shifted) & live
    n_chosen = int(chosen.sum())
    for place in sorted(
        {sources.index(TRAINING), *label[chosen].tolist()},
        key=lambda place: (-int((label[chosen] == place).sum()), place),
    ):
        marked = (label == place)[live]
        n = int((label[chosen] == place).sum())
        low, high = proportion_confint(n, n_chosen, method="wilson")
        any_live = matched_null(marked, chosen[live], np.ones(len(marked)))
        as_frequent = matched_null(marked, chosen[live], frequency[live])
        yield LabelRate(
            label=sources[place],
            n=n,
            share=n / n_chosen,
            low=float(low),
            high=float(high),
            live_share=float(marked.mean()),
            p_live=any_live.at_least(n),
            matched_share=as_frequent.mean / n_chosen,
            p_matched=as_frequent.at_least(n),
        )
