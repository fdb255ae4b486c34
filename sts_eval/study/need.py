"""The names of a study's parts, by which predictors ask for them."""

from enum import StrEnum


class Need(StrEnum):
    """A part of a study, in the order of what it costs."""

    TEXTS = "texts"
    SHIFT = "shift"
    QUESTION_SCORES = "question scores"
    ACTIVATIONS = "activations"
    LOSSES = "losses"
    GRADIENTS = "gradients"
    PROBE = "probe"
