import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.study import answering, decoder, moments, shift, text_study

from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.predictors.predictor import Flag, Need, Predictor, predictor
from sts_eval.predictors.registry import PREDICTORS, known_predictors, select
from sts_eval.records.older import STS_SUMMARIES
from sts_eval.records.prediction import SCORES, Score
from sts_eval.study.question_scores import QuestionScores
from sts_eval.study.scoring import QuestionScore
from sts_eval.study.study import (
    Activations,
    Embeddings,
    Injection,
    LastTokens,
    Losses,
    OwnAnswers,
    ReversedLosses,
    Study,
    Texts,
    TrainingLosses,
)


def install(folder, monkeypatch, module, *, entry, code):
    """Put a package with one entry point on the path, as an installer leaves it there."""
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[sts_eval.predictors]\n{entry} = {module}:{entry}\n")
    (folder / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)


MADE = {need for need in Need if need not in (Need.GRADIENTS, Need.PROBE)}


def study_with(needs):
    """A study of two domains in which those parts are there, and no other."""
    random = np.random.default_rng(0)

    def body():
        return moments(random.normal(size=(9, 3)), random.random((9, 8)))

    answers = {name: answering([True, False] * 4 + [True]) for name in "xy"}
    sides = [{name: random.normal(size=(3, 4)) for name in "xy"} for _ in range(2)]
    question = "what are one and two and three"
    parts = {
        Need.SHIFT: shift((1, 2), 8),
        Need.QUESTION_SCORES: QuestionScores(*[{name: {0: {0: QuestionScore(1.0, 2.0, 3.0)}} for name in "xy"}] * 2),
        Need.ACTIVATIONS: Activations(body(), {name: replace(body(), feature_shift=np.ones(8)) for name in "xy"}),
        Need.LOSSES: Losses(alone=answers, shown=answers),
        Need.TRAINING_LOSSES: TrainingLosses(answers["x"]),
        Need.REVERSED_LOSSES: ReversedLosses(answers),
        Need.DECODER: decoder(np.eye(8, 3)),
        Need.LAST_TOKENS: LastTokens(random.normal(size=(9, 30)), {name: random.normal(size=(9, 30)) for name in "xy"}),
        Need.INJECTION: Injection(1.0, answers),
        Need.OWN_ANSWERS: OwnAnswers(*random.normal(size=(2, 3, 4)), *sides),
        Need.EMBEDDINGS: Embeddings(np.ones(2), {name: np.ones(2) for name in "xy"}),
    }
    domains = {name: [question] for name in "xy"}
    texts = Texts([Example(question, "six")], domains, domains)
    return Study(texts, [part for need, part in parts.items() if need in needs])


OWN = '''
from sts_eval.predictors.predictor import Need, predictor

@predictor("{name}", needs={{Need.TEXTS}}, group="theirs")
def theirs(study):
    """Questions read."""
    return {{name: float(len(texts)) for name, texts in study.texts.domains.items()}}
'''


def test_a_predictor_is_its_function_and_what_is_said_about_it():
    @predictor("both", needs={Need.GRADIENTS, Need.PROBE}, labels=True)
    def both(study):
        """First line.

        More.
        """
        return {"x": float(study.seed)}

    assert (both.name, both.group, both.summary) == ("both", "test_registry", "First line.")
    assert both.needs == {Need.GRADIENTS, Need.PROBE}
    assert both.flags == (Flag.LABELS, Flag.GRADIENTS, Flag.TRAINING)
    assert both(text_study([], {}, seed=3)) == {"x": 3.0}


def test_every_column_has_a_name_of_its_own_and_says_what_it_is():
    names = [column.name for column in PREDICTORS]
    assert len(set(names)) == len(names)
    for column in PREDICTORS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert re.fullmatch(r"[A-Z].{10,110}[.)]", column.summary), column.name


def test_sts_comes_first_with_the_summaries_that_records_have():
    assert {one.name: one.summary for one in PREDICTORS[:3]} == STS_SUMMARIES
    assert tuple(one.name for one in PREDICTORS[:3]) == SCORES
    assert {(one.group, one.flags) for one in PREDICTORS[:3]} == {("sts", ())}


def test_a_score_may_come_with_its_error():
    found = select(["sts_icl"])[0](study_with({Need.QUESTION_SCORES}))
    assert found == {name: Score(value=2.0) for name in "xy"}


def test_families_stand_together_and_no_name_is_a_familys():
    groups = [column.group for column in PREDICTORS]
    assert sorted(set(groups), key=groups.index) == [
        group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group
    ]
    assert not {"all", *groups} & {column.name for column in PREDICTORS}


@pytest.mark.parametrize("column", [one for one in PREDICTORS if one.needs <= MADE], ids=lambda column: column.name)
def test_a_column_reads_the_parts_that_it_names_and_no_other(column):
    assert set(column(study_with(column.needs))) == {"x", "y"}
    for need in column.needs - {Need.TEXTS}:  # which are always there
        with pytest.raises(LookupError, match=r"read the study's \w+, which it does not name among its needs"):
            column(study_with(column.needs - {need}))


def test_predictors_are_selected_by_name_group_and_all_in_the_order_of_the_table():
    assert select(["all"]) == PREDICTORS
    assert [one.name for one in select(["magnitude"])] == ["residual_norm", "residual_l1", "feature_sum"]
    chosen = select(["mmd", "magnitude", "feature_sum", "prompt_length"])
    assert [one.name for one in chosen] == ["prompt_length", "residual_norm", "residual_l1", "feature_sum", "mmd"]
    assert select([]) == ()


def test_an_unknown_name_is_refused_with_the_groups():
    with pytest.raises(UserError, match="no predictor or group 'crystal_ball'") as caught:
        select(["mmd", "crystal_ball"])
    assert "labels, lexical, " in str(caught.value)


def test_another_packages_predictor_is_known_and_comes_last(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "made_plugin", entry="theirs", code=OWN.format(name="questions_read"))
    theirs = list(known_predictors().values())[-1]
    assert isinstance(theirs, Predictor)
    assert (theirs.name, theirs.group, theirs.summary) == ("questions_read", "theirs", "Questions read.")
    assert select(["theirs", "mmd"])[-1] is theirs
    assert theirs(text_study([], {"x": ["a", "b"]})) == {"x": 2.0}


def test_without_packages_the_known_predictors_are_the_columns():
    assert tuple(known_predictors().values()) == PREDICTORS


def test_a_predictor_that_takes_anothers_name_is_refused(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "made_clash", entry="theirs", code=OWN.format(name="mmd"))
    with pytest.raises(UserError, match="two predictors are called 'mmd'") as caught:
        known_predictors()
    assert "made_clash" in str(caught.value)


def test_what_is_no_predictor_is_refused(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "made_number", entry="theirs", code="theirs = 3\n")
    with pytest.raises(UserError, match="'theirs' is not a predictor"):
        known_predictors()


def test_a_package_that_breaks_on_import_is_named(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "made_broken", entry="theirs", code="import nowhere_to_be_found\n")
    with pytest.raises(UserError, match=r"cannot be loaded .*nowhere_to_be_found") as caught:
        known_predictors()
    assert "made_broken" in str(caught.value)
