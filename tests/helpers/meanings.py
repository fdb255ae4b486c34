"""What features mean, made of given texts."""

from __future__ import annotations

from collections.abc import Sequence

from sts_eval.records.meaning import BackgroundExcerpt, Excerpt, FeatureMeaning, LabelRate, Meanings, Piece, Source


def excerpt(*pieces: tuple[str, float], source: str = "law") -> Excerpt:
    """An excerpt of (text, activation)."""
    return Excerpt(source=source, pieces=tuple(Piece(text=text, activation=value) for text, value in pieces))


def feature(number: int, excerpts: Sequence[Excerpt], **changes: object) -> FeatureMeaning:
    """A feature of law and the training set."""
    values = {
        "feature": number,
        "shift": 3.0,
        "usual": 1.0,
        "particular": 0.75,
        "spread": 0.0,
        "shares": {"training set": 0.6, "law": 0.4},
        "strongest": {"training set": 7, "law": 3},
        "label": "training set",
        "promotes": (" court", " suit"),
        "neuronpedia": None,
        "excerpts": tuple(excerpts),
        **changes,
    }
    return FeatureMeaning.model_validate(values)


def meanings(*features: FeatureMeaning, background: Sequence[BackgroundExcerpt] = ()) -> Meanings:
    """Features of an SAE of which a thousand fire."""
    rate = LabelRate(
        label="training set",
        n=15,
        share=0.15,
        low=0.09,
        high=0.23,
        live_share=0.12,
        p_live=0.2,
        matched_share=0.14,
        p_matched=0.4,
    )
    sources = {name: Source(n_samples=9, n_tokens=90) for name in ("training set", "neutral text", "law")}
    return Meanings(
        neutral="shipped",
        neutral_sha256="0",
        sources=sources,
        n_live=1000,
        rates=(rate,),
        features=features,
        background=tuple(background),
    )


def courts() -> Meanings:
    """Feature 7 fires on `court` in ten excerpts, and never in six others."""
    texts = [excerpt((f"He went to the number {number} ", 0), ("court", 2.0), (" again", 0)) for number in range(10)]
    silent = [
        BackgroundExcerpt(source="math", text=f"The sum of {number} and 2 is even.", fires=(9,)) for number in range(6)
    ]
    firing = BackgroundExcerpt(source="law", text="The court sat.", fires=(7, 9))
    return meanings(feature(7, texts), feature(9, texts[:2]), background=[firing, *silent])
