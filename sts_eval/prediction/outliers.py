"""What carries a score: the largest question of each domain, attention sinks, and whether robust scores agree."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from sts_eval.data.benchmark import Domain
from sts_eval.experiment import PredictSettings
from sts_eval.predictors.sts import domain_score
from sts_eval.records.prediction import (
    ROBUST,
    CarrierFeature,
    CarrierToken,
    DomainQuestions,
    LargestQuestion,
    PredictorScores,
    SeedShift,
)
from sts_eval.statistics.agreement import rank_correlation
from sts_eval.statistics.largest_share import chance_of_largest_share
from sts_eval.study.question_scores import DomainReading
from sts_eval.study.scoring import Carrier

SHARE = 0.25  # of a domain's score; a question that carries more is named,
CHANCE = 0.01  # unless exponential parts would give such a share more often than this
AGREEMENT = 0.8  # rank correlation below which two ways of scoring are said to disagree
NAMED = 5  # attention-sink tokens named

Decode = Callable[[Sequence[int]], str]


def largest_questions(domain: Domain, reading: DomainReading, decode: Decode) -> dict[str, LargestQuestion]:
    """By score, the question of the domain that carries most of it."""
    return {name: _largest(domain, carrier, decode) for name, carrier in reading.carriers.items()}


def _largest(domain: Domain, carrier: Carrier, decode: Decode) -> LargestQuestion:
    return LargestQuestion(
        question_id=domain.questions[carrier.position].id,
        share=carrier.share,
        chance=chance_of_largest_share(carrier.share, carrier.n_questions),
        tokens=tuple(
            CarrierToken(token=decode([one.ids[-1]]), before=decode(one.ids[:-1]), share=one.share, sink=one.sink)
            for one in carrier.tokens
        ),
        features=tuple(CarrierFeature(feature=feature, share=share) for feature, share in carrier.features),
    )


def sink_counts(sinks: Mapping[int, int], decode: Decode) -> dict[str, int]:
    """How many tokens are attention sinks, by their text, the most frequent first."""
    by_text: Counter[str] = Counter()
    for token, count in sinks.items():
        by_text[decode([token])] += count
    return dict(by_text.most_common())


def carrier_warnings(domains: Sequence[DomainQuestions]) -> Iterator[str]:
    """A line for each score of a domain that a single question carries."""
    for domain in domains:
        for name, one in domain.largest.items():
            if one.share > SHARE and one.chance < CHANCE:
                tokens = ", ".join(
                    f"{token.token!r}{' (an attention sink)' if token.sink else ''} {token.share:.0%}"
                    for token in one.tokens
                )
                features = ", ".join(f"{part.feature} {part.share:.0%}" for part in one.features)
                yield (
                    f"{domain.domain}: question {one.question_id} carries {one.share:.0%} of {name}, a mean over "
                    f"{domain.n_questions} questions; most of it is on the tokens {tokens} and the features {features}"
                )


def sink_warnings(
    shifts: Sequence[SeedShift], domains: Sequence[DomainQuestions], settings: PredictSettings
) -> Iterator[str]:
    """A line that counts attention sinks, where there are any."""
    for what, parts in (("training set's", shifts), ("domains'", domains)):
        found = sum((Counter(part.sinks) for part in parts), Counter[str]())
        if found:
            named = ", ".join(f"{token!r} {count}" for token, count in found.most_common(NAMED))
            rest = ", ..." if len(found) > NAMED else ""
            kept = settings.sink_tokens == "keep"
            done = "they are kept; --sink-tokens exclude leaves them out" if kept else "they are left out"
            yield (
                f"{found.total()} of {sum(part.n_tokens for part in parts)} of the {what} question tokens are "
                f"attention sinks (residual norm above 10 times the question's median): {named}{rest}; {done}"
            )


def agreement_warnings(
    predictors: Sequence[PredictorScores], readings: Sequence[DomainReading], settings: PredictSettings
) -> Iterator[str]:
    """A line for each pair of ways to score that rank the domains differently."""
    scores = {one.name: one.values for one in predictors}
    other = "without attention sinks" if settings.sink_tokens == "keep" else "with attention sinks"
    for name, robust in ROBUST.items():
        ways = {robust: scores[robust]}
        if any(reading.sinks for reading in readings):
            ways[f"{name} {other}"] = {
                reading.domain: domain_score(reading.both.other(settings), name).value for reading in readings
            }
        for way, values in ways.items():
            r = rank_correlation(scores[name], values)
            if r is not None and r < AGREEMENT:
                first, instead = (max(one, key=lambda domain: one[domain]) for one in (scores[name], values))
                yield (
                    f"{name} and {way} rank the domains differently (Spearman {r:+.2f}; first {first} and {instead}): "
                    "a few questions or tokens decide the ranking, so look at them before you trust either"
                )
