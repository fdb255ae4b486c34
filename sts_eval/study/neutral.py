"""Text that is neither the training set's nor any benchmark's, to compare with."""

from pathlib import Path

from sts_eval.experiment import TextSpec
from sts_eval.sae_training.texts import Texts, load_texts

SHIPPED = Path(__file__).parent / "neutral_text.txt"
"""Paragraphs of plain statements on everyday things, written for this package."""


def load_neutral(source: str | None = None) -> Texts:
    """The paragraphs of a user's text, or of the shipped one.

    Raises:
        UserError: It cannot be read.
    """
    (found,) = load_texts(TextSpec(text=(source or str(SHIPPED),)))
    if source is not None:
        return found
    return Texts(found.texts, found.identity.model_copy(update={"source": "shipped"}))
