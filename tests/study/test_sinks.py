"""Attention sinks: which tokens they are, and what leaving them out changes, by hand."""

import pytest
import torch
from helpers.pencil import identity, position_only, words
from helpers.tiny import silent, training_set

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import Example
from sts_eval.experiment import PredictSettings
from sts_eval.study.extractor import assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.scoring import QuestionScore
from sts_eval.study.shifted_features import measure_shift
from sts_eval.study.sinks import find_sinks

MASSIVE = 3000.0


def test_a_sink_is_longer_than_ten_medians_of_its_own_question():
    norms = [1.0, 2.0, 3.0, 20.0, 20.1, 100.0, 90.0, 5.0]  # of 5, 2 and 1 tokens: medians 3, 95 and 5
    hidden = torch.tensor([[0.0, -norm] for norm in norms])
    assert find_sinks(hidden, [5, 2, 1]) == [(), (), ()]
    hidden[3, 0] = 31.0  # norm 36.9
    assert find_sinks(hidden, [5, 2, 1]) == [(3,), (), ()]


def planted(**settings):
    """A model whose second position is massive: the second token alone, no question token behind demonstrations."""
    model = position_only()
    with torch.no_grad():
        model.transformer.wpe.weight[2, 1] = MASSIVE
    dials = PredictSettings(**{"top_n": 1, "shots": 1, "domain_shots": 1, **settings})
    extractor = assemble(model, words(), identity("blocks.0.hook_resid_pre"), dials)
    examples = [Example("a b a", "c d"), Example("b a a", "c c")]
    shift = measure_shift(extractor, training_set(examples), 0, silent)
    domain = Domain("x", [Question("7", "x", "a b b a")], [Example("c", "d d")])
    other = {0: shift.both.other(extractor.settings)}
    reading = read_domain(extractor, domain, {0: shift.features}, {0: [0]}, other_way=other)
    return shift, reading


def test_a_planted_massive_activation_carries_the_scores():
    shift, reading = planted()
    # Alone the tokens are at positions 1, 2, 3; one demonstration [Question: q q q Answer: s s] is 7 tokens.
    assert shift.score.tolist() == [7.0**2, MASSIVE**2 / 3, 0.0, 0.0]
    assert shift.both == ((1,), (0,))
    assert shift.features == (1,)
    assert sum(shift.sinks.values()) == sum(reading.sinks.values()) == 1
    # Alone at positions 1 to 4, behind [Question: c Answer: d d] five further on.
    assert reading.questions[0][0] == QuestionScore(MASSIVE / 4, MASSIVE**2 / 4, MASSIVE**2 / 4)
    assert reading.both.exclude[0][0] == QuestionScore((1 + 3 + 4) / 3, 5.0**2, (1 + 9 + 16) / 3)
    carrier = reading.carriers["sts_icl"]
    assert (carrier.position, carrier.share, carrier.features) == (0, 1.0, ((1, 1.0),))
    assert [(token.share, token.sink) for token in carrier.tokens] == [(1.0, True)]
    assert words().decode([carrier.tokens[0].ids[-1]]) == "b"


def test_without_sinks_it_is_as_if_it_had_not_been_planted():
    shift, reading = planted(sink_tokens="exclude")
    assert shift.features == (0,)
    assert shift.score.tolist() == [7.0**2, 0.0, 0.0, 0.0]
    assert reading.questions[0][0] == QuestionScore((1 + 3 + 4) / 3, 5.0**2, (1 + 9 + 16) / 3)
    assert reading.both.keep[0][0].sts_icl == MASSIVE**2 / 4
    assert reading.carriers["sts_icl"].features == ((0, 1.0),)


@pytest.mark.parametrize(("sinks", "strongest"), [("keep", [MASSIVE]), ("exclude", [])])
def test_firings_on_sinks_count_only_where_they_are_kept(sinks, strongest):
    from sts_eval.study.firings import read_firings

    model = position_only()
    with torch.no_grad():
        model.transformer.wpe.weight[2, 1] = MASSIVE
    dials = PredictSettings(top_n=2, shots=1, sink_tokens=sinks)
    extractor = assemble(model, words(), identity("blocks.0.hook_resid_pre"), dials)
    examples = training_set([Example("a b a", "c d"), Example("b a a", "c c")])
    shift = measure_shift(extractor, examples, 0, silent)
    firings = read_firings(extractor, examples, [], shift)
    found = firings.strongest(shift.features.index(1))
    assert [one.strength for one in found] == strongest
    assert all(len(one.window.ids) == 3 for one in found)


@pytest.mark.parametrize("sinks", ["keep", "exclude"])
def test_moments_hear_sinks_only_where_they_are_kept(sinks):
    from sts_eval.study.activations import ActivationMoments

    model = position_only()
    with torch.no_grad():
        model.transformer.wpe.weight[2, 1] = MASSIVE
    dials = PredictSettings(top_n=1, shots=1, sink_tokens=sinks)
    extractor = assemble(model, words(), identity("blocks.0.hook_resid_pre"), dials)
    made = []

    def listen(turns):
        made.append(ActivationMoments(turns, "training"))
        return made

    measure_shift(extractor, training_set([Example("a b a", "c d"), Example("b a a", "c c")]), 0, silent, listen)
    wanted = [2.0, MASSIVE / 3] if sinks == "keep" else [2.0, 0.0]
    assert made[0].moments().feature.tolist()[:2] == pytest.approx(wanted)
