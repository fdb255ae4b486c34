"""Probe: what do the first steps of the tuning do to a domain, and where does that lead?

Extrapolation of early training to its end: as in TuneAhead (ICML 2026), here by domain and with one curve
each. The rate still warms up during a short probe, so that change grows faster than the steps at first.
"""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import least_squares

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Answering, Probe, Study

STEEPEST = 2.0  # largest exponent of the power law: change under a rate that rises in proportion to the steps


@predictor("probe_loss", needs={Need.PROBE}, labels=True)
def probe_loss(study: Study) -> Scores:
    """Fall of the right answers' nats per token over the probe.

    L_k(0) − L_k(t), with L_k the mean over questions of −(1/|y|) log p(y | x) and t the probe's last step.
    """
    return {name: float((start.answer_nll - end.answer_nll).mean()) for name, start, end in _ends(study)}


@predictor("probe_logprob", needs={Need.PROBE}, labels=True)
def probe_logprob(study: Study) -> Scores:
    """Rise of the right option's log-probability among the options over the probe.

    E log [p(y | x) / Σ_o p(o | x)] at the last step minus at the first, in nats.
    """
    return {name: float((end.share_logprob - start.share_logprob).mean()) for name, start, end in _ends(study)}


@predictor("probe_accuracy", needs={Need.PROBE}, labels=True)
def probe_accuracy(study: Study) -> Scores:
    """Rise of accuracy over the probe, in points.

    100 · (share of questions whose right option is the likeliest at the last step − at the first).
    """
    return {name: 100 * float(end.correct.mean() - start.correct.mean()) for name, start, end in _ends(study)}


@predictor("probe_kl", needs={Need.PROBE})
def probe_kl(study: Study) -> Scores:
    """Divergence of the options' probabilities after the probe from those before.

    E KL(p_0 ‖ p_t) over the options of a question, in nats: a magnitude without a direction.
    """
    return dict(study.read(Probe).kl)


@predictor("probe_linear", needs={Need.PROBE}, labels=True)
def probe_linear(study: Study) -> Scores:
    """Rise of the right option's log-probability by the end of the full run, along a straight line.

    b · T, with a + b t fitted by least squares to the reads of E log [p(y | x) / Σ_o p(o | x)] at the steps t, and T
    the steps of the full run.
    """
    probe = study.read(Probe)
    return {
        name: float(np.polyfit(probe.steps, [read.share_logprob.mean() for read in reads], 1)[0] * probe.full_steps)
        for name, reads in probe.answers.items()
    }


@predictor("probe_power", needs={Need.PROBE}, labels=True)
def probe_power(study: Study) -> Scores:
    """Rise of the right option's log-probability by the end of the full run, along a power law.

    a · T^b, with a · t^b fitted by least squares, 0 ≤ b ≤ 2, to the rise of E log [p(y | x) / Σ_o p(o | x)] since
    step 0. A domain is left out where two reads or the fit are missing.
    """
    probe = study.read(Probe)
    scores = {}
    for name, reads in probe.answers.items():
        level = np.array([read.share_logprob.mean() for read in reads])
        rise, share = (level - level[0])[1:], probe.steps[1:] / probe.steps[-1]
        if len(rise) < 2:  # noqa: PLR2004 -- a curve of two parameters takes two points
            continue

        def residuals(curve: np.ndarray, rise: np.ndarray = rise, share: np.ndarray = share) -> np.ndarray:
            return np.asarray(curve[0] * share ** curve[1] - rise)

        fit = least_squares(residuals, [rise[-1], 1.0], bounds=([-np.inf, 0], [np.inf, STEEPEST]), xtol=1e-12)
        if fit.success:
            last, exponent = fit.x
            scores[name] = float(last * (probe.full_steps / probe.steps[-1]) ** exponent)
    return scores


def _ends(study: Study) -> Iterator[tuple[str, Answering, Answering]]:
    """By domain, the first and the last read."""
    return ((name, reads[0], reads[-1]) for name, reads in study.read(Probe).answers.items())
