"""What the shifted features mean, on a terminal: where they fire, in which source, and how that compares."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from sts_eval.errors import UserError
from sts_eval.records.feature_labels import FeatureLabel, FeatureLabels
from sts_eval.records.meaning import Excerpt, FeatureMeaning, LabelRate, Meanings
from sts_eval.records.prediction import Prediction
from sts_eval.reporting.terminal import standard_output, text_table

SHOWN = 8  # features
EXCERPTS = 3  # of a feature
PROMOTED = 4  # tokens of a feature
SOURCES = 3  # of a feature's strongest samples
BEFORE, AFTER = 24, 12  # characters of an excerpt around its peak
WIDTHS = {"strongest": 18, "where it fires": 43, "promotes": 14}  # characters of columns
TRAINING = "training set"

FORMULA = (
    "Particular: s / (s + u), s the mean squared change under demonstrations, u the mean squared activation in the "
    "domains and a neutral text; it changes no score. Strongest: the sources of the ten strongest samples. [ ]: the "
    "token that fires it most. Promotes: the tokens that its decoder row makes likeliest."
)


def print_features(
    meanings: Meanings, labels: FeatureLabels | None = None, shown: int = SHOWN, console: Console | None = None
) -> None:
    """Print the table of meanings, what it leaves out, and how a judge's labels score."""
    console = console or standard_output()
    judged = labels.labels if labels else ()
    console.print(meaning_table(meanings, judged, shown))
    for line in meaning_lines(meanings):
        console.print(line, style="dim", markup=False, highlight=False)
    if judged and all(label.n_unreadable == label.n_fires + label.n_silent for label in judged):
        warning = "Warning: none of the judge's answers was yes or no, so the scores of its labels say nothing."
        console.print(warning, style="yellow", markup=False, highlight=False)
    for label in judged:
        console.print(f"{label.feature} {label.text}: {detection(label)}.", markup=False, highlight=False)


def meaning_table(meanings: Meanings, labels: Sequence[FeatureLabel] = (), shown: int = SHOWN) -> Table:
    """The shifted features that are most particular to the training set, and where they fire."""
    by_feature = {one.feature: one.text for one in labels}
    header = [
        "feature",
        "particular",
        "strongest",
        "where it fires",
        "promotes",
        *["label by the judge"] * bool(labels),
    ]
    rows = []
    for one in meanings.kept[:shown]:
        lines = "\n".join(excerpt_line(excerpt) for excerpt in distinct(one.excerpts)[:EXCERPTS])
        row = [str(one.feature), f"{one.particular:.2f}", sources_text(one), lines, promoted_text(one)]
        rows.append([*row, by_feature.get(one.feature, "")] if labels else row)
    table = text_table(
        "What moves that is particular to the training set", header, rows, left=header[2:], fold=header[2:]
    )
    for name, width in WIDTHS.items():
        table.columns[header.index(name)].width = width
    table.show_lines = True
    return table


def sources_text(one: FeatureMeaning) -> str:
    """The sources of its strongest samples, the most frequent first."""
    order = sorted(one.strongest, key=lambda source: -one.strongest[source])
    rest = sum(one.strongest[source] for source in order[SOURCES:])
    named = [f"{source} {one.strongest[source]}" for source in order[:SOURCES]]
    return ", ".join([*named, *[f"others {rest}"] * bool(rest)])


def promoted_text(one: FeatureMeaning, n: int = PROMOTED) -> str:
    """The first tokens that its decoder row makes likeliest."""
    return ", ".join(token.strip() or repr(token) for token in one.promotes[:n])


def distinct(excerpts: tuple[Excerpt, ...]) -> list[Excerpt]:
    """Excerpts of which no two have the same words around the peak, strongest first."""
    return list({excerpt_line(one).lower(): one for one in reversed(excerpts)}.values())[::-1]


def excerpt_line(excerpt: Excerpt) -> str:
    """One line: the token that fires most in brackets, and a few words on either side."""
    at = max(range(len(excerpt.pieces)), key=lambda number: excerpt.pieces[number].activation)
    texts = [piece.text for piece in excerpt.pieces]
    before, peak, after = (_one_line(part) for part in ("".join(texts[:at]), texts[at], "".join(texts[at + 1 :])))
    if len(before) > BEFORE:
        before = before[-BEFORE:].partition(" ")[2]
    if len(after) > AFTER:
        after = after[:AFTER].rpartition(" ")[0]
    return f"{before}{' ' * peak.startswith(' ')}[{peak.strip() or '␣'}]{after}".strip()


def _one_line(text: str) -> str:
    return text.replace("\n", "↵")


def meaning_lines(meanings: Meanings) -> Iterator[str]:
    """What the table leaves out, and how its labels compare with those of all features, in sentences."""
    dropped = [f"{n} that {_plural(reason)}" for reason, n in meanings.drop_counts.items()]
    if dropped:
        yield f"Left out of {len(meanings.features)} shifted features: {'; '.join(dropped)}."
    for rate in meanings.rates:
        if rate.label == TRAINING:
            yield rate_sentence(rate, meanings)
    yield FORMULA


def rate_sentence(rate: LabelRate, meanings: Meanings) -> str:
    """How many shifted features carry a label, beside the base rates."""
    return (
        f"Of the shifted features {rate.share:.0%} [{rate.low:.0%}, {rate.high:.0%}] have most of their strongest "
        f"samples in the {rate.label}; of all {meanings.n_live:,} live features {rate.live_share:.0%} do "
        f"(p = {rate.p_live:.2g}), and of those that fire as often {rate.matched_share:.0%} (p = {rate.p_matched:.2g})."
    )


def _plural(reason: str) -> str:
    return reason.replace("fires", "fire", 1)


def meanings_of(prediction: Prediction) -> Meanings:
    """What the features of a prediction mean.

    Raises:
        UserError: Its record does not say.
    """
    if prediction.meanings is None:
        raise UserError(
            "the prediction does not say what its features mean",
            "Make it again with `sts-eval predict --meanings`",
        )
    return prediction.meanings


def detection(label: FeatureLabel) -> str:
    """How far a label foretells where its feature fires, in words."""
    if label.balanced_accuracy is None:
        return "not scored: it fires on every random excerpt, or too few excerpts are held out"
    return (
        f"balanced accuracy {label.balanced_accuracy:.2f} [{label.low:.2f}, {label.high:.2f}] by detection: "
        f"found in {label.n_found} of {label.n_fires} held-out excerpts on which it fires, "
        f"not found in {label.n_rejected} of {label.n_silent} on which it does not"
    )
