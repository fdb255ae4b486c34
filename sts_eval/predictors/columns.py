"""The columns that stand beside STS, in the order of the table.

STS itself is not among them: its three columns come with standard errors and a record of their own.
"""

from __future__ import annotations

from sts_eval.predictors import gradient, labels, lexical, loss, magnitude, probe, profile, representation
from sts_eval.predictors.predictor import Predictor

COLUMNS: tuple[Predictor, ...] = (
    *lexical.PREDICTORS,
    *magnitude.PREDICTORS,
    *representation.PREDICTORS,
    *profile.PREDICTORS,
    *loss.PREDICTORS,
    *gradient.PREDICTORS,
    *probe.PREDICTORS,
    *labels.PREDICTORS,
)
