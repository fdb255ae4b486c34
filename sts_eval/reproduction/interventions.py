"""What is measured beside correlations: shifted features, ablation, meanings, selective tuning and mixtures.

Each function is or returns a measure: what a check asks of the records, None where they do not have it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from sts_eval.analysis.names import model_name, set_name
from sts_eval.analysis.wording import counted
from sts_eval.experiment import FeatureTuningSettings
from sts_eval.records.ablation import SET_NAMES, Ablation, Effect, FeatureSet
from sts_eval.records.arm_comparison import ArmResult
from sts_eval.records.arm_comparison import Estimate as ArmEstimate
from sts_eval.records.meaning import TRAINING, LabelRate, Meanings
from sts_eval.records.overlap import Overlap, OverlapAt, SpaceOverlap
from sts_eval.records.paper_answer import Measured
from sts_eval.records.prediction import Prediction
from sts_eval.reproduction.correlations import Measure
from sts_eval.reproduction.evidence import SUPERVISED, Evidence, FinishedRun

N = 100  # features, as in the paper
WIDEST = 0.01  # share of the SAE that N features may be for their share of the change to say something
STS_ARM = "sts_icl"
ALL = 0  # in place of a number of features, where no features were chosen


def over(values: Sequence[float], basis: str) -> Measured:
    """The mean of independent values with Student's 95% interval; without one where there are fewer than two."""
    spread = len(values) > 1
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) if spread else None
    return _with_half(fmean(values), half, basis)


def mean_of(found: Sequence[Measured]) -> Measured | None:
    """The mean of independent estimates: half-widths are combined in squares. None where there is none."""
    if len(found) < 2:  # noqa: PLR2004 -- the only one, or none
        return found[0] if found else None
    half = _combined_half(found)
    value, basis = fmean(one.value for one in found), f"{'; '.join(one.basis for one in found)}, taken for independent"
    return _with_half(value, None if half is None else half / len(found), basis)


def less(found: Measured | None, other: Measured | None) -> Measured | None:
    """The difference of two estimates, with half-widths combined in squares, as of independent ones."""
    if found is None or other is None:
        return None
    basis = f"{found.basis}, less {other.basis}, taken for independent"
    return _with_half(found.value - other.value, _combined_half([found, other]), basis)


def _combined_half(found: Sequence[Measured]) -> float | None:
    halves = [(one.high - one.low) / 2 for one in found if one.low is not None and one.high is not None]
    return math.hypot(*halves) if len(halves) == len(found) else None


def _with_half(value: float, half: float | None, basis: str) -> Measured:
    if half is None:
        return Measured(value=value, basis=basis)
    return Measured(value=value, low=value - half, high=value + half, basis=basis)


def about(prediction: Prediction) -> str:
    """What a prediction is of, in short names."""
    return f"{model_name(prediction.model.id)} on {set_name(prediction.training_set.source)}"


# Shifted features


def overlap_excess(*methods: str) -> Measure:
    """How many of N predicted features are among the N that tuning moved most, beyond equally active ones, as a share.

    Over tuned seeds; where there are several runs, over the means of runs.
    """
    return lambda evidence: _over_seeds(evidence.tuned_by(*methods), lambda overlap: _excess(overlap.spaces))


def less_overlap_than_supervised(evidence: Evidence) -> Measured | None:
    """The same of supervised fine-tuning less that of GRPO."""
    return less(overlap_excess(*SUPERVISED)(evidence), overlap_excess("grpo")(evidence))


def on_policy_overlap(evidence: Evidence) -> Measured | None:
    """The same of GRPO with the model's own demonstrations, less that with the training set's, by tuned seed."""

    def difference(overlap: Overlap) -> float | None:
        own, given = (_excess(spaces) for spaces in (overlap.on_policy, overlap.spaces))
        return None if own is None or given is None else own - given

    return _over_seeds(evidence.tuned_by("grpo"), difference)


def concentration(evidence: Evidence) -> Measured | None:
    """Share of all change that the N most changed features carry; without an interval where N are much of the SAE."""
    runs = evidence.tuned_by(*SUPERVISED)

    def share(overlap: Overlap) -> float | None:
        at = _at(overlap.spaces)
        return None if at is None else at.share_actual

    found = _over_seeds(runs, share)
    if found is None:
        return None
    dims = min(run.prediction.sae.d_sae for run in runs)
    if dims * WIDEST >= N:
        return found
    told = f"{N} of {dims:,} features, more than {WIDEST:.0%}, so their share says little; {found.basis}"
    return Measured(value=found.value, basis=told)


def _over_seeds(runs: Sequence[FinishedRun], figure: Callable[[Overlap], float | None]) -> Measured | None:
    """A figure of overlaps over the tuned seeds of a run, or over the means of several runs."""
    by_run = []
    for run in runs:
        found = [figure(overlap) for overlap in run.report.overlaps]
        known = [value for value in found if value is not None]
        by_run += [(run, known)] if known else []
    if len(by_run) > 1:
        return over([fmean(values) for _, values in by_run], f"{counted(len(by_run), 'run')}, taken for independent")
    for run, values in by_run:
        return over(values, f"{about(run.prediction)}, {counted(len(values), 'tuned seed')}")
    return None


def _excess(spaces: Iterable[SpaceOverlap]) -> float | None:
    at = _at(spaces)
    return None if at is None else (at.common - at.expected) / at.n


def _at(spaces: Iterable[SpaceOverlap]) -> OverlapAt | None:
    """The overlap of N SAE features."""
    return next((at for space in spaces if space.space == "sae" for at in space.at if at.n == N), None)


def reward_gain(evidence: Evidence) -> Measured | None:
    """Change of the reward of held-out rows through GRPO; of a single seed with the error over rows."""
    tunings = [run.tuning for run in evidence.tuned_by("grpo") if run.tuning is not None]
    seeds = [one.reinforcement for tuning in tunings for one in tuning.runs if one.reinforcement is not None]
    if len(seeds) != 1:
        return over([one.reward_change for one in seeds], counted(len(seeds), "tuned seed")) if seeds else None
    (only,) = seeds
    if only.reward_change_se is None:
        return Measured(value=only.reward_change, basis="1 tuned seed, 1 row")
    half = float(stats.norm.ppf(0.975)) * only.reward_change_se
    return _with_half(only.reward_change, half, "1 tuned seed, error over held-out rows")


# Zero-ablation


def moved_hurt_more(than: FeatureSet) -> Measure:
    """What the tuned model loses without the features that tuning moved most, more than without as many others."""

    def measure(evidence: Evidence) -> Measured | None:
        found = (_moved_less(one, than) for one in evidence.ablations)
        return mean_of([one for one in found if one is not None])

    return measure


def predicted_hurt_more(against: FeatureSet) -> Measure:
    """What the untuned model loses without the predicted features, more than without as many others."""

    def measure(evidence: Evidence) -> Measured | None:
        found = []
        for one in evidence.ablations:
            contrast = one.contrast(against, one.headline, "target", tuned=False)
            found += [_loss(contrast.effect, one, f"predicted against {SET_NAMES[against]}")] if contrast else []
        return mean_of(found)

    return measure


def _moved_less(one: Ablation, than: FeatureSet) -> Measured | None:
    moved, others = (one.point(name, one.headline, tuned=True) for name in ("actual", than))
    if moved is None or others is None:
        return None
    seeds = counted(len(one.tuning_seeds), "tuned seed")
    found = less(_loss(moved.target, one, "moved"), _loss(others.target, one, SET_NAMES[than]))
    told = f"{_about(one)}, {seeds}, both losses taken for independent"
    return None if found is None else found.model_copy(update={"basis": told})


def _loss(effect: Effect, one: Ablation, what: str) -> Measured:
    low, high = effect.interval or (None, None)
    ends = {"low": None if high is None else -high, "high": None if low is None else -low}
    return Measured(value=-effect.value, basis=f"{_about(one)}, {what}", **ends)


def _about(one: Ablation) -> str:
    return (
        f"{model_name(one.model)} on {set_name(one.training_set)}, {one.headline} of {one.n_features:,} features at "
        f"zero, {counted(len(one.rows), 'row')}"
    )


# Meanings


def share_above_base_rate(evidence: Evidence) -> Measured | None:
    """Share of the shifted features whose ten strongest samples are mostly of the training set, less that of all live.

    The interval is that of the first share (Wilson); the base rate is a count of all features.
    """
    return mean_of(
        [
            Measured(
                value=one.share - one.live_share,
                low=one.low - one.live_share,
                high=one.high - one.live_share,
                basis=basis,
            )
            for meanings, one, basis in _training(evidence)
        ]
    )


def recall_of_label(evidence: Evidence) -> Measured | None:
    """Share of the features labelled as of the training set that are shifted, less that of all other live features."""
    found = []
    for meanings, one, basis in _training(evidence):
        chosen = sum(rate.n for rate in meanings.rates)
        own = round(one.live_share * meanings.n_live)
        counts = (one.n, own, chosen - one.n, meanings.n_live - own)
        if min(counts[1], counts[3]) > 0:
            low, high = confint_proportions_2indep(*counts, method="newcomb")
            value = counts[0] / counts[1] - counts[2] / counts[3]
            found.append(Measured(value=value, low=float(low), high=float(high), basis=basis))
    return mean_of(found)


def _training(evidence: Evidence) -> list[tuple[Meanings, LabelRate, str]]:
    """What predictions say of the training set's label, each once, with what it rests on."""
    by_hash = {one.sha256(): one for one in evidence.every_prediction}
    return [
        (own, rate, f"{about(one)}, {_of_features(own, rate)}")
        for one in by_hash.values()
        for own in [one.meanings]
        if own is not None
        for rate in own.rates
        if rate.label == TRAINING
    ]


def _of_features(meanings: Meanings, one: LabelRate) -> str:
    shifted = sum(rate.n for rate in meanings.rates)
    return f"{one.n} of {shifted} shifted features, {one.live_share:.1%} of {meanings.n_live:,} live ones"


# Selective tuning


def gain_over(chosen: str) -> Measure:
    """Gain of log-probability on held-out rows by tuning predicted features, less that by as many others, by seed."""
    return lambda evidence: _gain_between(evidence, "predicted", chosen)


def full_gain_over(evidence: Evidence) -> Measured | None:
    """Gain by full or LoRA fine-tuning less that by tuning predicted features, by seed."""
    return _gain_between(evidence, "", "predicted")


def _gain_between(evidence: Evidence, first: str, second: str) -> Measured | None:
    one, other = (_gains(evidence.tuned_by("features", *SUPERVISED), chosen) for chosen in (first, second))
    pairs = [
        (gain, own)
        for key, own in other.items()
        for gain in [one.get(key, one.get((*key[:-1], ALL)))]
        if gain is not None
    ]
    if not pairs:
        return None
    return over([gain - own for gain, own in pairs], f"{counted(len(pairs), 'pair')} of tuned seeds")


def _gains(runs: Iterable[FinishedRun], chosen: str) -> Mapping[tuple[str, str, int, int], float]:
    """By model, training set, seed and number of features."""
    return {
        (run.prediction.model.id, run.prediction.training_set.sha256, seed.seed, _top_n(run)): (
            seed.loss_before - seed.loss_after
        )
        for run in runs
        if run.chosen == chosen and run.tuning is not None
        for seed in run.tuning.runs
    }


def _top_n(run: FinishedRun) -> int:
    if run.method != "features" or run.tuning is None:
        return ALL
    return (run.tuning.settings.features or FeatureTuningSettings()).top_n


# Mixtures


def target_gain(evidence: Evidence) -> Measured | None:
    """Change of the target domains with rows added by STS."""
    return _of_arm(evidence, lambda arm: arm.target)


def protection(evidence: Evidence) -> Measured | None:
    """Mean change of the protected domains with rows added by STS, less that without added rows."""
    return _of_arm(evidence, lambda arm: arm.from_none)


def over_equal_split(evidence: Evidence) -> Measured | None:
    """The same less that with rows split equally."""
    return _of_arm(evidence, lambda arm: arm.from_equal)


def _of_arm(evidence: Evidence, figure: Callable[[ArmResult], ArmEstimate | None]) -> Measured | None:
    found = []
    for mixture in evidence.mixtures:
        if mixture.measure != "accuracy":
            continue
        basis = f"{counted(len(mixture.seeds), 'seed')}, {counted(len(mixture.protected), 'protected domain')}"
        for arm in (one for one in mixture.results if one.name == STS_ARM):
            one = figure(arm)
            if one is not None:
                ends = {"low": one.low, "high": one.high, "level": one.level}
                found.append(Measured(value=one.value, basis=basis, **ends))
    return mean_of(found)
