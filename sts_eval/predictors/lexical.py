r"""Lexical likeness: how much of a domain's wording is in the training set, without any model.

Words are maximal runs of letters, digits and underscores (`\w+`), in lower case. A row of the training set
is one text, its question followed by its solution. A domain is its questions that are read. Except for TF-IDF,
the training set is read row by row, and what is kept of it does not grow with its length beyond its vocabulary.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.feature_extraction.text import TfidfVectorizer

from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.training_set import Example
from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.similarity import cosine
from sts_eval.study.study import Study

# Characters of the training set that TF-IDF reads; of a longer set, rows drawn by the study's seed. It keeps the table
# of word pairs within some 2 GB.
TFIDF_CHARACTERS = 50_000_000

NGRAM = 5

_WORD = re.compile(r"\w+")


@predictor("tfidf_cosine", needs={Need.TEXTS})
def tfidf_cosine(study: Study) -> Scores:
    """Cosine between the TF-IDF centroids of the training set and the domain.

    cos(mean_x v(x), mean_y v(y)) over rows x of the training set and questions y of the domain. v holds
    (1 + ln tf) (ln((1 + n) / (1 + df)) + 1) of words and word pairs, at length one; n and df count the rows
    and all domains' questions (Salton and Buckley 1988, as scikit-learn smooths it).
    """
    training, domains = study.texts.training, study.texts.domains
    order = shuffled(len(training), study.seed, "TF-IDF rows")
    taken = within_budget(training, order, TFIDF_CHARACTERS, lambda row: len(row.question) + len(row.solution))
    rows = [training[index] for index in taken]
    vectors = tfidf_vectors([*_texts(rows), *chain(*domains.values())])
    if vectors is None:
        return {}
    ends = np.cumsum([len(rows), *map(len, domains.values())])
    target, *centroids = (
        np.asarray(vectors[end - size : end].mean(axis=0), dtype=np.float64).ravel()
        for end, size in zip(ends, np.diff(ends, prepend=0), strict=True)
    )
    return {name: cosine(centroid, target) for name, centroid in zip(domains, centroids, strict=True)}


def tfidf_vectors(texts: Sequence[str]) -> csr_matrix | None:
    """TF-IDF of texts as in `tfidf_cosine`, shape (n_texts, vocabulary); None where no text has a word."""
    if not any(map(_WORD.search, texts)):
        return None
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD.pattern)
    vectors: csr_matrix = vectorizer.fit_transform(texts)
    return vectors


@predictor("ngram_share", needs={Need.TEXTS})
def ngram_share(study: Study) -> Scores:
    """Share of the domain's distinct five-word sequences that the training set contains.

    |G(domain) ∩ G(T)| / |G(domain)|, G the set of word 5-grams within one question or one row. The measure
    of contamination studies (Brown et al. 2020 with 13-grams). Undefined where no question has five words.
    """
    own = {name: set(chain.from_iterable(map(_ngrams, texts))) for name, texts in study.texts.domains.items()}
    sought = set().union(*own.values())
    seen = {gram for text in _texts(study.texts.training) for gram in _ngrams(text) if gram in sought}
    return {name: len(grams & seen) / len(grams) for name, grams in own.items() if grams}


@predictor("unigram_divergence", needs={Need.TEXTS})
def unigram_divergence(study: Study) -> Scores:
    """Minus the divergence between the word frequencies of the training set and the domain.

    −JS(p, q) = −½ KL(p ‖ m) − ½ KL(q ‖ m) in bits, m = (p + q) / 2, so in [−1, 0] (Lin 1991). Undefined without words.
    """
    target = _counts(_texts(study.texts.training))
    scores = {}
    for name, texts in study.texts.domains.items():
        own = _counts(texts)
        words = sorted(target | own)
        p, q = ([counts[word] for word in words] for counts in (own, target))
        # scipy's is the distance, the root of the divergence; it brings the counts to sum one.
        scores[name] = -(float(jensenshannon(p, q, base=2)) ** 2) if own and target else math.nan
    return scores


@predictor("prompt_length", needs={Need.TEXTS})
def prompt_length(study: Study) -> Scores:
    """Mean number of words in the domain's questions.

    E |x|. Our own control: a score that only tells long questions from short ones is no better than this.
    """
    return {name: float(np.mean([len(_words(text)) for text in texts])) for name, texts in study.texts.domains.items()}


@predictor("answer_length_gap", needs={Need.TEXTS})
def answer_length_gap(study: Study) -> Scores:
    """Minus the difference in length between the answers of the training set and the domain.

    −|E ln(1 + |y|) − E ln(1 + |ỹ|)|, |y| the number of words in a solution, y of the training set and ỹ of the
    domain's demonstrations. Tuning teaches a form of answer as well as what is in it. Our own control. A domain
    without demonstrations has no score.
    """
    return _answer_gap(study, lambda words: math.log1p(len(words)))


@predictor("answer_entropy_gap", needs={Need.TEXTS})
def answer_entropy_gap(study: Study) -> Scores:
    """Minus the difference in word entropy between the answers of the training set and the domain.

    −|E H(y) − E H(ỹ)|, H the entropy in bits of the word frequencies within one solution, y and ỹ as in
    `answer_length_gap`. One answer at a time, so that it does not depend on how many there are. Our own control.
    """
    return _answer_gap(study, lambda words: float(entropy([*Counter(words).values()], base=2)) if words else 0.0)


def _answer_gap(study: Study, form: Callable[[list[str]], float]) -> Scores:
    def mean(solutions: Iterable[str]) -> float:
        return float(np.mean([form(_words(text)) for text in solutions]))

    own = mean(row.solution for row in study.texts.training)
    return {name: -abs(mean(solutions) - own) for name, solutions in study.texts.solutions.items() if solutions}


def _texts(rows: Sequence[Example]) -> Iterator[str]:
    return (f"{row.question}\n{row.solution}" for row in rows)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _ngrams(text: str) -> Iterator[tuple[str, ...]]:
    words = _words(text)
    return zip(*(words[start:] for start in range(NGRAM)), strict=False)  # the shifted lists end one by one


def _counts(texts: Iterable[str]) -> Counter[str]:
    return Counter(chain.from_iterable(map(_words, texts)))
