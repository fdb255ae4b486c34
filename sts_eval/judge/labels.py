"""Labels in words, scored by detection (Bills et al. 2023; Paulo et al. 2024, arXiv 2410.13928).

The judge is shown every other excerpt on which a feature fires, the tokens that fire it marked, and says in a few words
what they have in common. Then it is asked of the other excerpts, and of as many random ones on which the feature does
not fire, whether they have that. The score is the balanced accuracy: .5 for words that say nothing.
"""

import math
import re
from collections.abc import Sequence

from statsmodels.stats.proportion import proportion_confint

from sts_eval.data.sampling import generator
from sts_eval.judge.chat import Ask
from sts_eval.progress import Progress, silent
from sts_eval.records.feature_labels import FeatureLabel
from sts_eval.records.meaning import Excerpt, FeatureMeaning, Meanings

LONGEST = 120  # characters of a label
FAINT = 0.3  # of an excerpt's largest activation, from which a token is marked

EXPLAIN = """Some words in these texts are marked with << and >>. What do the marked words have in common?

{texts}

Answer with a short phrase of at most ten words, and nothing else.
Phrase:"""

DETECT = """A phrase describes something that may be in a text.

Phrase: {label}
Text: {text}

Does the text contain what the phrase describes? Answer yes or no, and nothing else.
Answer:"""


def label_features(
    meanings: Meanings, features: Sequence[FeatureMeaning], ask: Ask, progress: Progress = silent
) -> tuple[FeatureLabel, ...]:
    """Label features and score the labels."""
    found = []
    for number, feature in enumerate(features):
        progress("the judge labels features", number, len(features))
        found.append(label_feature(meanings, feature, ask))
    progress("the judge labels features", len(features), len(features))
    return tuple(found)


def label_feature(meanings: Meanings, feature: FeatureMeaning, ask: Ask) -> FeatureLabel:
    """Label one feature by half of its excerpts, and score the label on the other half."""
    shown, held_out = feature.excerpts[::2], feature.excerpts[1::2]
    texts = "\n".join(f"{number}. {marked(excerpt)}" for number, excerpt in enumerate(shown, start=1))
    label = _phrase(ask(EXPLAIN.format(texts=texts)))
    silent_ones = [one.text for one in meanings.background if feature.feature not in one.fires]
    order = generator(0, "silent excerpts", str(feature.feature)).permutation(len(silent_ones))
    rejected = [silent_ones[place] for place in order[: len(held_out)]]

    def answers(excerpts: Sequence[str]) -> list[bool | None]:
        return [_yes(ask(DETECT.format(label=label, text=_one_line(text)))) for text in excerpts]

    fires = answers([plain(excerpt) for excerpt in held_out])
    silences = answers(rejected)
    n_found, n_rejected = fires.count(True), silences.count(False)
    score = balanced_accuracy(n_found, len(fires), n_rejected, len(silences))
    return FeatureLabel(
        feature=feature.feature,
        text=label,
        n_fires=len(fires),
        n_found=n_found,
        n_silent=len(silences),
        n_rejected=n_rejected,
        n_unreadable=fires.count(None) + silences.count(None),
        balanced_accuracy=score[0] if score else None,
        low=score[1] if score else None,
        high=score[2] if score else None,
    )


def balanced_accuracy(found: int, n_fires: int, rejected: int, n_silent: int) -> tuple[float, float, float] | None:
    """The mean of two shares and its 95% interval; None where one has no cases.

    The interval is Newcombe's for a sum of two proportions (Statistics in Medicine 17, 1998, 873-890, method 10), from
    the Wilson interval of each.
    """
    if not n_fires or not n_silent:
        return None
    shares = found / n_fires, rejected / n_silent
    ends = [proportion_confint(*one, method="wilson") for one in ((found, n_fires), (rejected, n_silent))]
    mean = sum(shares) / 2
    below = math.hypot(*(share - low for share, (low, _) in zip(shares, ends, strict=True))) / 2
    above = math.hypot(*(high - share for share, (_, high) in zip(shares, ends, strict=True))) / 2
    return mean, mean - below, mean + above


def marked(excerpt: Excerpt) -> str:
    """An excerpt on one line, its strongest tokens between << and >>."""
    least = FAINT * excerpt.peak
    return _one_line(
        "".join(
            f"<<{piece.text}>>" if 0 < least <= piece.activation else piece.text for piece in excerpt.pieces
        ).replace(">><<", "")
    )


def plain(excerpt: Excerpt) -> str:
    """An excerpt without marks."""
    return "".join(piece.text for piece in excerpt.pieces)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _phrase(answer: str) -> str:
    """The first line of an answer, without control characters and what models put around it."""
    shown = ["".join(one if one.isprintable() else " " for one in line).strip() for line in answer.splitlines()]
    lines = [line for line in shown if line]
    return (lines[0].removeprefix("Phrase:").strip(" \"'.*")[:LONGEST] if lines else "") or "(no answer)"


def _yes(answer: str) -> bool | None:
    """Whether the first yes or no in an answer is yes; None where there is neither."""
    said = re.search(r"\b(yes|no)\b", answer, re.IGNORECASE)
    return said[1].lower() == "yes" if said else None
