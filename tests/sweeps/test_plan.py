"""The stages of two models with two SAEs each, three sets and two seeds, counted by hand."""

from collections import Counter

from helpers.sweeps import hub_matrix

from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.sweeps.matrix import Matrix, MatrixModel
from sts_eval.sweeps.stages import plan, unshared


def keys(matrix, *kinds):
    return {stage.name: stage.key for stage in plan(matrix) if stage.kind in kinds}


def test_how_many_of_each_kind():
    # 2 models x 2 SAEs x 3 sets; 2 models; 2 models x 3 sets x 2 seeds, whatever the SAE.
    counts = Counter(stage.kind for stage in plan(hub_matrix()))
    assert counts == {"predict": 12, "before": 2, "tune": 12, "after": 12, "report": 12}
    assert unshared(hub_matrix()) == {"predict": 12, "before": 12, "tune": 24, "after": 24, "report": 12}


def test_names_are_unique_and_needs_come_first():
    stages, met = plan(hub_matrix()), set()
    for stage in stages:
        assert met.issuperset({*stage.needs, *stage.needs_one})
        assert stage.name not in met
        met.add(stage.name)


def test_what_each_needs():
    matrix = hub_matrix()
    runs, stages = dict(matrix.expand()), {stage.name: stage for stage in plan(matrix)}
    of = {kind: [stage for stage in stages.values() if stage.kind == kind] for kind in unshared(matrix)}
    assert all(not stage.needs and not stage.needs_one for stage in of["predict"])
    for stage in of["before"]:  # any one of 2 SAEs x 3 sets
        models = {runs[stages[need].run].model.id for need in stage.needs_one}
        assert (stage.needs, len(stage.needs_one), len(models)) == ((), 6, 1)
    for stage in of["tune"]:  # both SAEs' predictions on its set, and nobody else's
        foretold = [runs[stages[need].run] for need in stage.needs]
        assert [stages[need].kind for need in stage.needs] == ["predict"] * 2
        own = runs[stage.run]
        assert {(run.model, run.training_set) for run in foretold} == {(own.model, own.training_set)}
        assert len({run.sae for run in foretold}) == 2
    for stage in of["after"]:
        (need,) = stage.needs
        assert (stages[need].kind, stages[need].seed, stages[need].run) == ("tune", stage.seed, stage.run)
    for stage in of["report"]:
        assert Counter(stages[need].kind for need in stage.needs) == {"predict": 1, "before": 1, "after": 2}
        assert {(runs[stages[need].run].model.id) for need in stage.needs} == {runs[stage.run].model.id}


def with_two_benchmarks():
    was = hub_matrix()
    return was.model_copy(update={"benchmarks": (*was.benchmarks, BenchmarkSpec(source="org/exam"))})


def test_one_tuning_serves_all_benchmarks():
    # Twice the predictions, baselines, evaluations and reports; the tunings stay as they are.
    counts = Counter(stage.kind for stage in plan(with_two_benchmarks()))
    assert counts == {"predict": 24, "before": 4, "tune": 12, "after": 24, "report": 24}
    stages = {stage.name: stage for stage in plan(with_two_benchmarks())}
    for stage in stages.values():
        if stage.kind == "tune":  # two SAEs on two benchmarks
            assert [stages[need].kind for need in stage.needs] == ["predict"] * 4
        if stage.kind == "report":
            assert Counter(stages[need].kind for need in stage.needs) == {"predict": 1, "before": 1, "after": 2}
    every = tuple(unshared(hub_matrix()))
    assert keys(hub_matrix(), *every).items() < keys(with_two_benchmarks(), *every).items()


def test_a_stopped_sweep_has_its_first_seeds():
    seeds = [stage.seed for stage in plan(hub_matrix()) if stage.kind in ("tune", "after")]
    assert seeds == [0] * 12 + [1] * 12


def test_another_set_changes_no_key():
    was = hub_matrix()
    grown = was.model_copy(update={"training_sets": (TrainingSetSpec(source="org/new"), *was.training_sets)})
    every = tuple(unshared(was))
    assert keys(was, *every).items() < keys(grown, *every).items()


def test_another_sae_leaves_tunings_as_they_are():
    was = hub_matrix()
    fewer = was.model_copy(update={"models": tuple(m.model_copy(update={"saes": m.saes[:1]}) for m in was.models)})
    assert keys(fewer, "before", "tune", "after") == keys(was, "before", "tune", "after")


def changed(section, **values):
    was = hub_matrix()
    now = was.model_copy(update={section: getattr(was, section).model_copy(update=values)})
    every = tuple(unshared(was))
    old, new = keys(was, *every), keys(now, *every)
    return {stage.kind for stage in plan(was) if old[stage.name] != new[stage.name]}


def test_a_changed_setting_changes_what_depends_on_it():
    assert changed("settings", top_n=50) == {"predict", "report"}
    assert changed("settings", domain_tokens=50) == {"predict", "before", "after", "report"}
    assert changed("tune", rank=3) == {"tune", "after", "report"}
    assert changed("measure", max_questions=3) == {"before", "after", "report"}
    assert changed("settings", predictors=("gradient",)) == {"predict", "report"}


def test_what_changes_no_result_changes_no_key():
    assert changed("settings", batch_tokens=7) == set()
    assert changed("tune", per_device_batch=1) == set()
    was = hub_matrix()
    assert keys(was.model_copy(update={"retries": 9}), "report") == keys(was, "report")


def test_a_changed_file_changes_what_reads_it(tmp_path):
    file = tmp_path / "set.jsonl"
    file.write_text("1\n", encoding="utf-8")
    matrix = Matrix(models=(MatrixModel(id="org/m"),), training_sets=(TrainingSetSpec(source=str(file)),))
    was = keys(matrix, "predict", "before", "tune")
    file.write_text("1\n2\n", encoding="utf-8")
    now = keys(matrix, "predict", "before", "tune")
    assert {name.split("-")[0] for name in was if was[name] != now[name]} == {"predict", "tune"}
