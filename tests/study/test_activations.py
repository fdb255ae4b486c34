"""What predictors share is what a plain reading of the same tokens gives."""

import numpy as np
import pytest
from helpers import tiny

from sts_eval.model.reader import Prefix
from sts_eval.study import activations as moments
from sts_eval.study.activations import ActivationMoments
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift


def listened(extractor, seed=0):
    """Moments of the training set and the domains as STS's own passes let them be heard, and the turns read."""
    heard, turns = {}, {}

    def listen(name):
        def make(read):
            turns[name] = list(read.values())
            heard[name] = ActivationMoments(read, name)
            return [heard[name]]

        return make

    shift = measure_shift(extractor, tiny.training_set(), seed, tiny.silent, listen("training"))
    for domain in tiny.DOMAINS:
        chosen = {seed: tiny.draw(extractor, domain, seed)}
        read_domain(extractor, domain, {shift.seed: shift.features}, chosen, listen=listen(domain.name))
    return shift, {name: one.moments() for name, one in heard.items()}, turns


def read_alone(extractor, turns):
    """Residuals and activations of each question, one pass a question."""
    alone = Prefix(extractor.prompter.demonstrations([]).prefixes[0])
    for turn in turns:
        hidden = extractor.reader.read(alone, [turn])
        features = np.concatenate([block.double().numpy() for _, block in extractor.autoencoder.encode(hidden)])
        yield hidden.double().numpy(), features


@pytest.mark.parametrize(("kind", "architecture"), [("llama", "topk"), ("gemma2", "jumprelu")])
def test_means_are_those_of_questions_read_one_by_one(kind, architecture):
    extractor = tiny.extractor(kind, architecture)
    _, found, turns = listened(extractor)
    for name, own in found.items():
        read = list(read_alone(extractor, turns[name]))
        expected = {
            "residual": np.mean([hidden.mean(axis=0) for hidden, _ in read], axis=0),
            "residual_size": np.mean([np.abs(hidden).mean(axis=0) for hidden, _ in read], axis=0),
            "feature": np.mean([features.mean(axis=0) for _, features in read], axis=0),
            "frequency": np.mean([(features > 0).mean(axis=0) for _, features in read], axis=0),
            "questions": np.stack([hidden.mean(axis=0) for hidden, _ in read]),
        }
        for field, value in expected.items():
            np.testing.assert_allclose(getattr(own, field), value, rtol=1e-4, atol=1e-5, err_msg=f"{name} {field}")
        norms = [np.linalg.norm(hidden, axis=1).mean() for hidden, _ in read]
        assert own.residual_norm == pytest.approx(np.mean(norms), rel=1e-5)
        whole = np.concatenate([hidden for hidden, _ in read])
        np.testing.assert_allclose(own.sample, whole, rtol=1e-4, atol=1e-5)  # fewer tokens than the sample holds


def test_shifts_are_those_of_sts():
    shift, found, _ = listened(tiny.extractor("llama", "topk"))
    np.testing.assert_allclose(found["training"].feature_shift, shift.score, rtol=1e-5, atol=1e-9)
    extractor = tiny.extractor("llama", "topk")
    for domain in tiny.DOMAINS:
        reading = read_domain(extractor, domain, {shift.seed: shift.features}, {0: tiny.draw(extractor, domain, 0)})
        own = found[domain.name].feature_shift[list(shift.features)]
        np.testing.assert_allclose(own, reading.icl_by_feature, rtol=1e-4, atol=1e-9)


def test_sample_is_drawn_from_all_tokens_and_not_by_the_order_of_reading(monkeypatch):
    monkeypatch.setattr(moments, "SAMPLE", 7)
    _, one, turns = listened(tiny.extractor("llama", "topk"))
    _, other, _ = listened(tiny.extractor("llama", "topk", batch_questions=1))
    for name, own in one.items():
        assert own.sample.shape == (min(7, sum(len(turn.span) for turn in turns[name])), tiny.HIDDEN)
        np.testing.assert_allclose(other[name].sample, own.sample, rtol=1e-4, atol=1e-5)
