"""Embedding: how near the training set's texts are to a domain's in the space of a sentence encoder.

The rival of TF-IDF where the same is said in other words. The encoder is no part of the model that is tuned.
"""

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.similarity import cosine
from sts_eval.study.study import Embeddings, Study


@predictor("embedding_cosine", needs={Need.EMBEDDINGS})
def embedding_cosine(study: Study) -> Scores:
    """Cosine between the mean sentence embeddings of the training set and the domain.

    cos(E_x e(x), E_x̃ e(x̃)), e(x) the encoder's embedding of a text at length one (Reimers and Gurevych 2019, arXiv
    1908.10084), x rows of the training set with their solutions, x̃ questions of the domain, as for `tfidf_cosine`.
    """
    read = study.read(Embeddings)
    return {name: cosine(own, read.training) for name, own in read.domains.items()}
