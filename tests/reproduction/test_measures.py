"""What checks ask of records, worked by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from helpers import meanings, records
from helpers.outcomes import outcomes

from sts_eval.analysis.report import report_run
from sts_eval.errors import UserError
from sts_eval.experiment import AblationSettings, FeatureTuningSettings, ModelSpec, TuneSettings
from sts_eval.mixture.compare_arms import Sides, results_of
from sts_eval.records.ablation import Ablation, Contrast, CurvePoint, Effect
from sts_eval.records.arm_comparison import ArmComparison
from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import write_outcomes
from sts_eval.records.overlap import Overlap, OverlapAt, SpaceOverlap
from sts_eval.records.paper_answer import Measured
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.tuning import Contamination, Reinforcement, SeedTraining, Tuning
from sts_eval.reproduction import correlations, interventions
from sts_eval.reproduction.answer import answer
from sts_eval.reproduction.entries import entry_named
from sts_eval.reproduction.evidence import Evidence, read_evidence

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
PREDICTION = records.prediction({"d0": 5.0, "d1": 3.0, "d2": 2.0})
FLIPS = {"d0": (0, 8), "d1": (0, 6), "d2": (9, 0)}


def ends(found):
    return found.value, found.low, found.high


def measured(value, half=None):
    low, high = (None, None) if half is None else (value - half, value + half)
    return Measured(value=value, low=low, high=high, basis="made")


def test_the_mean_over_seeds_has_students_interval():
    # sd 1, 3 values: half t(.975, 2) / √3 = 4.3027 / 1.7321.
    assert ends(interventions.over([1, 2, 3], "")) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4)
    assert ends(interventions.over([1], "")) == (1, None, None)


def test_half_widths_are_combined_in_squares():
    both = [measured(1, 3), measured(3, 4)]
    assert ends(interventions.mean_of(both)) == (2, -0.5, 4.5)  # √(9 + 16) / 2
    assert interventions.mean_of(both).basis.endswith("taken for independent")
    assert ends(interventions.less(*both)) == (-2, -7, 3)
    assert ends(interventions.less(measured(1), measured(3, 4))) == (-2, None, None)
    assert interventions.mean_of([]) is None
    assert interventions.less(None, measured(1)) is None


# --- tunings ---


def overlap(seed, common, *, own=None, dims=28_672, share=0.25):
    def space(count):
        at = OverlapAt(
            n=100, common=count, expected=40, null_sd=4, p_value=0.1, uniform=1, share_actual=share, share_predicted=0.1
        )
        return SpaceOverlap(space="sae", dims=dims, activity="firing frequency", at=(at,))

    return Overlap(
        created=records.LATE,
        seed=0,
        tuning_seed=seed,
        n_questions=1,
        n_tokens=1,
        spaces=(space(common),),
        on_policy=() if own is None else (space(own),),
    )


def tuning(settings, gains, rewards=()):
    """Seeds that lower the held-out loss from 1 by so much, with rewards before and after."""
    reinforced = [
        Reinforcement(
            answers=8,
            reward_before=before,
            reward_after=after,
            reward_change_se=0.1,
            solutions_reward=1,
            kl=0.1,
            kl_se=0.01,
            cut_before=0,
            cut_after=0,
            cut_training=0,
            reward_first=before,
            reward_last=after,
            silent=0,
        )
        for before, after in rewards
    ]
    return Tuning(
        created=records.LATE,
        started=records.LATE,
        prediction=None,
        model=ModelSpec(id="org/model"),
        commit=None,
        training_set=PREDICTION.training_set,
        settings=settings,
        chat_template=False,
        contamination=Contamination(rows=(), question_ids=(), checked=0),
        runs=tuple(
            SeedTraining(
                seed=seed,
                folder=f"seed-{seed}",
                weights_sha256="0",
                started=records.LATE,
                finished=records.LATE,
                seconds=1,
                steps=1,
                n_rows=1,
                n_held_out=1,
                cut_rows=0,
                per_device_batch=1,
                accumulation=1,
                processes=1,
                train_loss_first=1,
                train_loss_last=1,
                loss_before=1,
                loss_after=1 - gain,
                changed=True,
                reinforcement=reinforced[seed] if reinforced else None,
                device="cpu",
                versions={},
            )
            for seed, gain in enumerate(gains)
        ),
        warnings=(),
    )


def run(folder, settings, gains, *, overlaps=(), rewards=(), prediction=PREDICTION):
    """A folder of a finished run."""
    files = RunFolder.of(folder)
    transfer = records.transfer(FLIPS, after=prediction).model_copy(update={"tuning": tuning(settings, gains, rewards)})
    prediction.write(files.prediction("0" * 8))
    transfer.write(files.transfer("0" * 8))
    report_run(prediction, transfer, overlaps=overlaps).write(files.report)
    return folder


def features(choose):
    return TuneSettings(method="features", features=FeatureTuningSettings(choose=choose))


def test_selective_tuning_is_paired_by_seed(tmp_path):
    folders = [
        run(tmp_path / "predicted", features("predicted"), (0.3, 0.5)),
        run(tmp_path / "random", features("random"), (0.1, 0.2)),
        run(tmp_path / "lora", TuneSettings(), (0.9,)),
    ]
    found = answer(entry_named("table-11"), read_evidence(folders))
    by_name = {one.name: one for one in found.checks}
    # Differences .2 and .3: mean .25, sd .0707, half 12.706 · .05.
    half = 12.7062 * 0.05
    assert ends(by_name["random"].found) == pytest.approx((0.25, 0.25 - half, 0.25 + half), abs=1e-5)
    assert by_name["random"].verdict == "cannot tell"
    assert by_name["full"].found.value == pytest.approx(0.6)  # of the only common seed
    assert by_name["matched"].found is None
    assert found.verdict == "cannot tell"


def test_overlaps_of_both_methods(tmp_path):
    sft = [overlap(0, 50), overlap(1, 54), overlap(2, 52)]
    grpo = [overlap(0, 40, own=46), overlap(1, 42, own=49), overlap(2, 44, own=50)]
    folders = [
        run(tmp_path / "sft", TuneSettings(), (0.1,) * 3, overlaps=sft),
        run(tmp_path / "grpo", TuneSettings(method="grpo"), (0.1,) * 3, overlaps=grpo, rewards=((0.2, 0.4),) * 3),
    ]
    evidence = read_evidence(folders)
    half = 4.30265 * 0.02 / math.sqrt(3)
    assert ends(interventions.overlap_excess("lora")(evidence)) == pytest.approx((0.12, 0.12 - half, 0.12 + half))
    difference = interventions.less_overlap_than_supervised(evidence)
    assert ends(difference) == pytest.approx((0.1, 0.1 - half * math.sqrt(2), 0.1 + half * math.sqrt(2)), abs=1e-6)
    by_seed = interventions.on_policy_overlap(evidence)
    assert by_seed.value == pytest.approx((0.06 + 0.07 + 0.06) / 3)
    assert interventions.reward_gain(evidence).value == pytest.approx(0.2)


def test_the_reward_of_one_seed_has_the_error_over_rows(tmp_path):
    folder = run(tmp_path / "grpo", TuneSettings(method="grpo"), (0.1,), rewards=((0.2, 0.4),))
    found = interventions.reward_gain(read_evidence([folder]))
    assert ends(found) == pytest.approx((0.2, 0.2 - 0.19600, 0.2 + 0.19600), abs=1e-4)


@pytest.mark.parametrize(("width", "half"), [(28_672, 12.7062 * 0.01), (9_999, None)])
def test_concentration_is_judged_where_a_hundred_features_are_few(tmp_path, width, half):
    wide = PREDICTION.model_copy(update={"sae": PREDICTION.sae.model_copy(update={"d_sae": width})})
    overlaps = (overlap(0, 50, share=0.3), overlap(1, 50, share=0.32))
    folder = run(tmp_path / "sft", TuneSettings(), (0.1, 0.1), overlaps=overlaps, prediction=wide)
    found = interventions.concentration(read_evidence([folder]))
    expected = (0.31, None, None) if half is None else (0.31, 0.31 - half, 0.31 + half)
    assert ends(found) == pytest.approx(expected, abs=1e-5)
    assert ("100 of 9,999 features, more than 1%" in found.basis) == (half is None)


# --- meanings, ablation ---


def test_labels_are_held_to_the_base_rate(tmp_path):
    known = PREDICTION.model_copy(update={"meanings": meanings.meanings()})
    known.write(tmp_path / "prediction.json")
    evidence = read_evidence([tmp_path / "prediction.json"])
    # 15% [9%, 23%] of the shifted, 12% of the live ones.
    assert ends(interventions.share_above_base_rate(evidence)) == pytest.approx((0.03, -0.03, 0.11))
    recall = interventions.recall_of_label(evidence)  # 15 of 120 against 0 of 880
    assert recall.value == pytest.approx(0.125)
    assert 0 < recall.low < 0.125 < recall.high


def effect(value, half):
    return Effect(value=value, se=half / 2, interval=(value - half, value + half))


def ablation(**losses):
    """30 of 100 features at zero in a tuned model, with the effect and its half-width by set."""
    none = effect(0, 1)
    return Ablation(
        created=records.LATE,
        prediction_sha256="0",
        model="org/model",
        training_set="set.jsonl",
        hook_name="blocks.1.hook_resid_post",
        settings=AblationSettings(counts=(30,)),
        tuning_seeds=(0, 1),
        n_features=100,
        n_live=90,
        headline=30,
        left_out=(),
        questions={},
        rows=(0, 1),
        levels=(),
        points=tuple(
            CurvePoint(
                tuned=True,
                features=name,
                count=30,
                target=effect(*found),
                logprob=none,
                accuracy=none,
                domains=(),
            )
            for name, found in losses.items()
        ),
        contrasts=(Contrast(tuned=False, count=30, against="matched", measure="target", effect=effect(-0.2, 0.1)),),
        balances=(),
        seconds=1,
        versions={},
    )


def test_what_is_lost_without_features(tmp_path):
    ablation(actual=(-0.6, 0.3), random=(-0.1, 0.4)).write(tmp_path / "ablation.json")
    found = answer(entry_named("figure-1b"), read_evidence([tmp_path]))
    by_name = {one.name: one for one in found.checks}
    assert ends(by_name["moved"].found) == pytest.approx((0.5, 0.0, 1.0))  # √(.3² + .4²) = .5
    assert by_name["moved-matched"].found is None
    assert ends(by_name["matched"].found) == pytest.approx((0.2, 0.1, 0.3))
    assert by_name["matched"].verdict == "confirmed"
    assert found.verdict == "cannot tell"
    assert "set" in by_name["moved"].found.basis


# --- mixtures ---


def test_a_mixture_against_none_and_equal_shares(tmp_path):
    def sides(*after):
        return Sides(np.array([100.0, 0, 0, 0]), np.array(after, dtype=float))

    answers = {
        "none": {"math": sides([100, 100, 0, 0], [100, 0, 0, 0]), "law": sides([0, 0, 0, 0], [0, 100, 0, 0])},
        "equal": {"math": sides([100, 0, 0, 0], [100, 0, 0, 0]), "law": sides([100, 0, 0, 0], [0, 100, 0, 0])},
        "sts_icl": {"math": sides([100, 100, 0, 0], [100, 0, 0, 0]), "law": sides([100, 100, 0, 0], [100, 0, 0, 0])},
    }
    compared = ArmComparison(
        created=records.LATE,
        arms_sha256="0",
        transfer_sha256={},
        measure="accuracy",
        seeds=(0, 1),
        protected=("law",),
        target=("math",),
        results=tuple(
            results_of(name, answers, ("law",), ("math",), added=0 if name == "none" else 9, oracle=False)
            for name in answers
        ),
        missing={},
        recommended=None,
        conclusions=(),
    )
    compared.write(tmp_path / "comparison.json")
    (tmp_path / "arms.json").write_text("{}", encoding="utf-8")  # what marks the folder of an experiment with arms
    by_name = {one.name: one for one in answer(entry_named("section-5"), read_evidence([tmp_path])).checks}
    assert by_name["target"].found.value == 12.5  # of 8 answers 3 are right, 2 before
    assert by_name["protected"].found.value == 25.0  # 3 of 8 against 1
    assert by_name["equal"].found.value == 12.5  # 3 of 8 against 2
    assert by_name["equal"].found.level == pytest.approx(0.975)
    (tmp_path / "comparison.json").unlink()
    with pytest.raises(UserError, match="are not compared yet"):
        read_evidence([tmp_path])


# --- correlations ---


def test_the_labs_r_are_those_of_the_committed_comparison():
    evidence = read_evidence([RESULTS / "lab_matrix.jsonl"])
    rows = Comparison.read(RESULTS / "lab_comparison" / "comparison.json").table("how_much", "accuracy")
    for name in ("sts_icl", "sts_act"):
        found, row = correlations.r_with_size(name)(evidence), rows.row(name)
        assert ends(found) == pytest.approx((row.r, *row.bootstrap))
    beside, rival = correlations.advantage("sts_icl", "tfidf_cosine")(evidence), rows.row("tfidf_cosine").from_reference
    assert ends(beside) == pytest.approx((-rival.difference, -rival.interval[1], -rival.interval[0]))
    ceiling = correlations.sizes_differ(evidence)
    assert ends(ceiling) == pytest.approx((rows.ceiling, *rows.ceiling_interval))


def made_runs(tmp_path, se=0.1, **scores):
    """Two models on two sets with changes that rise over 14 domains, and scores of them."""
    change = np.tile(np.arange(14.0) - 9.5, (4, 1))
    path = tmp_path / "made.jsonl"
    given = {name: np.tile(values(np.abs(change[0])), (4, 1)) for name, values in scores.items()}
    home = {"a": ("computer science",), "b": ("health",)}
    write_outcomes(path, outcomes(change, given, models=("m", "n"), sets=("a", "b"), se=se, home=home))
    return read_evidence([path])


def test_a_score_that_follows_the_size_is_confirmed_and_one_that_does_not_is_not(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=14)
    evidence = made_runs(tmp_path, sts_icl=lambda size: size + noise, sts_act=lambda size: -size + noise)
    found = answer(entry_named("table-6"), evidence)
    assert [one.verdict for one in found.checks] == ["confirmed", "not confirmed"]
    assert found.verdict == "not confirmed"
    squared = answer(entry_named("table-9"), evidence).checks
    assert squared[0].found.value == pytest.approx(found.checks[0].found.value ** 2)
    assert squared[1].found.value == pytest.approx(-(found.checks[1].found.value ** 2))
    falls = correlations.share_of_falls(evidence)
    assert falls.value == pytest.approx(10 / 14)


def test_noise_that_hides_the_claim_leaves_it_open(tmp_path):
    evidence = made_runs(tmp_path, se=20.0, sts_icl=lambda size: -size + np.arange(14) % 3)
    found = correlations.r_with_size("sts_icl")(evidence)
    assert found.value < 0
    assert found.low is None
    assert "a perfect score would reach 0.00" in found.basis


def test_sets_by_what_they_are_made_for(tmp_path):
    evidence = made_runs(tmp_path, sts_icl=lambda size: size + np.arange(14) % 2)
    assert "m, n on a" in correlations.r_with_size("sts_icl", correlations.made_for("computer science"))(evidence).basis
    assert correlations.r_with_size("sts_icl", correlations.made_for("law"))(evidence) is None


def test_the_weakest_n(tmp_path):
    evidence = made_runs(tmp_path, sts_icl=lambda size: size + np.arange(14) % 2, tfidf_cosine=lambda size: -size)
    found = correlations.weakest(("sts_icl", "tfidf_cosine", "unknown"))(evidence)
    assert found.value < -0.9
    assert found.basis.startswith("tfidf_cosine, the lowest of sts_icl, tfidf_cosine;")
    assert correlations.weakest(("sts_icl", "unknown"))(evidence) is None


# --- earlier answers ---


def test_an_earlier_answer_stands_in_and_is_judged_by_the_rule_of_today(tmp_path):
    ablation(actual=(-0.6, 0.3), random=(-0.1, 0.3)).write(tmp_path / "ablation.json")
    first = answer(entry_named("figure-1b"), read_evidence([tmp_path]))
    first.write(tmp_path / "answer" / "figure-1b.json")
    values = json.loads((tmp_path / "answer" / "figure-1b.json").read_text(encoding="utf-8"))
    values["checks"][0]["rule"]["least"] = 9.0
    (tmp_path / "answer" / "figure-1b.json").write_text(json.dumps(values), encoding="utf-8")
    second = answer(entry_named("figure-1b"), read_evidence([tmp_path / "answer" / "figure-1b.json"]))
    assert [one.found for one in second.checks] == [one.found for one in first.checks]
    assert second.checks[0].rule == first.checks[0].rule
    assert answer(entry_named("table-6"), Evidence()).answered == 0


def test_a_name_of_the_paper_finds_its_entry():
    assert entry_named("Table 13").id == "table-5"
    assert entry_named("figure_3").id == "table-6"
    with pytest.raises(UserError, match="Did you mean figure-1b"):
        entry_named("figure-1")
