"""What the shifted features mean, as one HTML file that needs nothing beside it. All foreign text is shown as text."""

import html
import re
from collections.abc import Iterator

from sts_eval.records.feature_labels import FeatureLabel, FeatureLabels
from sts_eval.records.meaning import Excerpt, FeatureMeaning, Meanings
from sts_eval.records.prediction import Prediction
from sts_eval.reporting.meanings import detection, meaning_lines, meanings_of, promoted_text, sources_text
from sts_eval.reporting.prediction import tuned_on

# Control characters, and those that turn the reading direction or take no room.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NEURONPEDIA = re.compile(r"https://www\.neuronpedia\.org/[A-Za-z0-9._/-]+")
_STYLE = (
    "body{max-width:64rem;margin:2rem auto;font-family:system-ui;padding:0 1rem;line-height:1.4}"
    "table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:left;border-bottom:1px solid #ddd}"
    "article{border-top:1px solid #bbb;margin-top:1.2rem}h2{font-size:1.1rem}small{color:#555}"
    "p.excerpt{margin:.3rem 0;white-space:pre-wrap}mark{background:rgba(240,140,0,var(--a));color:inherit}"
)


def feature_page(prediction: Prediction, labels: FeatureLabels | None = None) -> str:
    """The page: how the features' sources compare, then every feature with its excerpts.

    Raises:
        UserError: The prediction does not say what its features mean.
    """
    meanings = meanings_of(prediction)
    by_feature = {one.feature: one for one in labels.labels} if labels else {}
    name = _text(tuned_on(prediction.model.id, prediction.training_set.source, "if tuned on"))
    judge = f"<p>Labels by {_text(labels.judge)}.</p>" if labels else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: what moves</title><style>{_STYLE}</style>'
        f"<h1>{name}: what the shifted features mean</h1>{''.join(f'<p>{_text(line)}</p>' for line in _head(meanings))}"
        f"{judge}{_rates(meanings)}{''.join(_feature(one, by_feature.get(one.feature)) for one in meanings.features)}"
        "</html>\n"
    )


def _head(meanings: Meanings) -> Iterator[str]:
    yield from meaning_lines(meanings)
    read = ", ".join(
        f"{name} {source.n_samples} ({source.n_tokens:,} tokens)" for name, source in meanings.sources.items()
    )
    yield f"Samples read without demonstrations: {read}. Neutral text: {meanings.neutral}."


def _rates(meanings: Meanings) -> str:
    header = ("most samples in", "shifted features", "share [95%]", "live", "p", "as frequent", "p")
    rows = [
        (
            rate.label,
            str(rate.n),
            f"{rate.share:.0%} [{rate.low:.0%}, {rate.high:.0%}]",
            f"{rate.live_share:.0%}",
            f"{rate.p_live:.2g}",
            f"{rate.matched_share:.0%}",
            f"{rate.p_matched:.2g}",
        )
        for rate in meanings.rates
    ]
    cells = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in header)}</tr>{cells}</table>"


def _feature(one: FeatureMeaning, label: FeatureLabel | None) -> str:
    shares = sorted(one.shares.items(), key=lambda item: -item[1])
    facts = [
        f"particular {one.particular:.2f} (s {one.shift:.3g}, u {one.usual:.3g}), spread {one.spread:.2f}",
        f"strongest samples: {sources_text(one)}",
        "share of its activation: " + ", ".join(f"{name} {share:.0%}" for name, share in shares[:5]),
        *[f"promotes: {promoted_text(one, len(one.promotes))}"] * bool(one.promotes),
        *[f"left out of tables: {one.dropped}"] * bool(one.dropped),
    ]
    link = ""
    if one.neuronpedia and _NEURONPEDIA.fullmatch(one.neuronpedia):
        link = f' <a href="{_text(one.neuronpedia)}" rel="noopener">Neuronpedia</a>'
    judged = f"<p><b>{_text(label.text)}</b> <small>{_text(detection(label))}</small></p>" if label else ""
    excerpts = "".join(map(_excerpt, one.excerpts))
    lines = "<br>".join(map(_text, facts))
    return f"<article><h2>Feature {one.feature}{link}</h2>{judged}<small>{lines}</small>{excerpts}</article>"


def _excerpt(excerpt: Excerpt) -> str:
    peak = excerpt.peak
    marked = "".join(
        f'<mark style="--a:{piece.activation / peak:.2f}" title="{piece.activation:.4g}">{_text(piece.text)}</mark>'
        if piece.activation > 0
        else _text(piece.text)
        for piece in excerpt.pieces
    )
    return f'<p class="excerpt"><small>{_text(excerpt.source)} {peak:.3g}</small> …{marked}…</p>'


def _text(text: str) -> str:
    return html.escape(_UNSEEN.sub(" ", text))
