"""STS at other numbers of features than the one asked for.

The paper takes N = 100. Scores of several N cost no further pass, and a comparison of several runs chooses among them
on other runs than the one it judges (`sts_icl_tuned`, `sts_act_tuned`). Read of the first seed only.
"""

from collections.abc import Callable

from sts_eval.predictors.predictor import Need, Predictor, Scores, predictor
from sts_eval.study.activations import Floats, Moments
from sts_eval.study.shifted_features import Shift, top
from sts_eval.study.study import Activations, Study

SIZES = (10, 25, 50, 200, 400)  # values of N beside the paper's

NEEDS = frozenset({Need.ACTIVATIONS, Need.SHIFT})


def _at(n: int, part: Callable[[Moments], Floats], study: Study) -> Scores:
    features = top(study.read(Shift).score, n)  # all of them if there are fewer
    return {name: float(part(own)[features].sum()) for name, own in study.read(Activations).domains.items()}


def _make(kind: str, n: int, part: Callable[[Moments], Floats]) -> Predictor:
    def score(study: Study) -> Scores:
        return _at(n, part, study)

    score.__doc__ = f"STS_{'ICL' if kind == 'icl' else 'act'} on the {n} features that demonstrations shift most."
    return predictor(f"sts_{kind}_n{n}", needs=NEEDS, group="sts_sizes")(score)


PREDICTORS = tuple(
    _make(kind, n, part)
    for kind, part in (("icl", lambda one: one.feature_shift), ("act", lambda one: one.feature))
    for n in SIZES
)
