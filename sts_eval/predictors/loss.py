"""Loss: how well the untuned model reads and answers a domain, and what demonstrations of the training set change.

The gaps are STS's own hypothesis, that in-context learning stands in for tuning, without a sparse
autoencoder: what the demonstrations do to losses and answers rather than to features.
"""

from collections.abc import Iterator

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Answering, Losses, Study


@predictor("question_nll", needs={Need.LOSSES})
def question_nll(study: Study) -> Scores:
    """Nats per token of the domain's questions.

    E_x −(1/|x|) Σ_t log p(x_t | x_<t), without demonstrations. Unfamiliar text has more to learn and lose. Our control.
    """
    return {name: float(read.question_nll.mean()) for name, read in study.read(Losses).alone.items()}


@predictor("answer_nll", needs={Need.LOSSES}, labels=True)
def answer_nll(study: Study) -> Scores:
    """Nats per token of the right answers.

    E_(x,y) −(1/|y|) Σ_t log p(y_t | x, y_<t), without demonstrations. Our own control.
    """
    return {name: float(read.answer_nll.mean()) for name, read in study.read(Losses).alone.items()}


@predictor("base_accuracy", needs={Need.LOSSES}, labels=True)
def base_accuracy(study: Study) -> Scores:
    """Accuracy of the untuned model, in points.

    100 · share of questions whose right option is the likeliest, without demonstrations. A domain's level says
    how far it can fall or rise, whatever is trained on. Our own control.
    """
    return {name: 100 * float(read.correct.mean()) for name, read in study.read(Losses).alone.items()}


@predictor("icl_nll_gap", needs={Need.LOSSES})
def icl_nll_gap(study: Study) -> Scores:
    """Fall of the questions' nats per token behind demonstrations of the training set.

    NLL(x) − NLL(x | x_0, y_0, …, x_t, y_t), the mean over questions: larger where demonstrations help. Equation 3
    of the paper (arXiv 2603.02908) with the loss in place of the features.
    """
    return {name: float((alone.question_nll - shown.question_nll).mean()) for name, alone, shown in _contexts(study)}


@predictor("icl_logprob_gap", needs={Need.LOSSES}, labels=True)
def icl_logprob_gap(study: Study) -> Scores:
    """Rise of the right option's log-probability among the options behind demonstrations of the training set.

    E log [p(y | ·) / Σ_o p(o | ·)], behind demonstrations minus without, in nats: the finer form of the accuracy gap.
    """
    return {name: float((shown.share_logprob - alone.share_logprob).mean()) for name, alone, shown in _contexts(study)}


@predictor("icl_accuracy_gap", needs={Need.LOSSES}, labels=True)
def icl_accuracy_gap(study: Study) -> Scores:
    """Rise of accuracy behind demonstrations of the training set, in points.

    100 · (accuracy behind demonstrations − accuracy without). The hypothesis of STS (arXiv 2603.02908, section 3),
    that in-context learning stands in for tuning, taken at its word.
    """
    return {name: 100 * float(shown.correct.mean() - alone.correct.mean()) for name, alone, shown in _contexts(study)}


def _contexts(study: Study) -> Iterator[tuple[str, Answering, Answering]]:
    losses = study.read(Losses)
    return ((name, alone, losses.shown[name]) for name, alone in losses.alone.items())
