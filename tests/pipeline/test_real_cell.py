"""One cell of the real matrix (benchmarks/real_matrix.yaml), as small as it can be, by a user's commands."""

import os
from pathlib import Path

import pytest
from helpers import tiny
from helpers.small_run import call

from sts_eval.experiment import (
    BenchmarkSpec,
    MeasureSettings,
    ModelSpec,
    PredictSettings,
    Run,
    SAESpec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.experiment_file import template
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.transfer import Transfer

ROOT = Path(__file__).parents[2]
MODEL, SAE = "SmolLM2-135M-Instruct-Q4_1", "smollm2-block15"
CAPITALS = {
    **{"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Japan": "Tokyo", "Egypt": "Cairo", "Peru": "Lima"},
    **{"Norway": "Oslo", "Greece": "Athens", "Cuba": "Havana", "Kenya": "Nairobi", "Austria": "Vienna"},
}
OPPOSITES = {
    **{"hot": "cold", "big": "small", "early": "late", "open": "closed", "wet": "dry", "strong": "weak"},
    **{"young": "old", "full": "empty", "light": "dark", "fast": "slow", "rich": "poor"},
}
DOMAINS = {"geography", "language", "math"}


def made_folder(variable, usual, name, how):
    """A folder of real weights: below the one that the variable names, or where the repository's tools write it."""
    folder = Path(os.environ.get(variable, ROOT / usual)) / name
    if not folder.is_dir():
        pytest.skip(f"there is no {name} in {folder.parent}: {how}, or let {variable} name the folder that holds it")
    return folder


def choices(question, answers):
    """Questions with three options, of which the first is right."""
    texts = list(answers.values())
    return [
        (question.format(asked), [right, texts[at - 1], texts[at - 2]], 0)
        for at, (asked, right) in enumerate(answers.items())
    ]


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """The experiment, and a folder for all that it writes."""
    model = made_folder("STS_EVAL_REAL_MODELS", "models", MODEL, "make real-models")
    sae = made_folder("STS_EVAL_REAL_SAES", "saes", SAE, "benchmarks/real_saes.sh trains it")
    folder = tmp_path_factory.mktemp("cell")
    sums = [(f"What is {one} + {one + 3}?", f"{one} + {one + 3} = {2 * one + 3}.") for one in range(11, 35)]
    tiny.write_jsonl(folder / "sums.jsonl", [{"question": asked, "solution": solved} for asked, solved in sums])
    geography = choices("What is the capital of {}?", CAPITALS)
    language = choices("What is the opposite of {}?", OPPOSITES)
    numbers = [(f"What is {one} times 3?", [str(2 * one), str(3 * one), str(3 * one + 1)], 1) for one in range(41, 52)]
    rows = [
        {"question_id": f"{domain}{at}", "question": asked, "options": options, "answer_index": right}
        | {"category": domain, "cot_content": options[right]}
        for domain, questions in (("geography", geography), ("language", language), ("math", numbers))
        for at, (asked, options, right) in enumerate(questions)
    ]
    shown = [row for row in rows if row["question_id"].removeprefix(row["category"]) in ("0", "1")]
    tiny.write_jsonl(folder / "exam" / "validation.jsonl", shown)
    tiny.write_jsonl(folder / "exam" / "test.jsonl", [row for row in rows if row not in shown])
    return folder, Run(
        model=ModelSpec(id=str(model), device="cpu"),
        sae=SAESpec(path=str(sae)),
        training_set=TrainingSetSpec(source=str(folder / "sums.jsonl"), home=("math",)),
        benchmark=BenchmarkSpec(source=str(folder / "exam")),
        settings=PredictSettings(shift_tokens=60, domain_tokens=30, domain_shots=2, seeds=(0,), meanings=False),
        tune=TuneSettings(max_steps=2, batch=4, per_device_batch=4, rank=4, held_out=4, learning_rate=1e-3, seeds=(0,)),
        measure=MeasureSettings(task="mmlupro_options", max_questions=3),
    )


@pytest.mark.slow
def test_a_real_model_is_predicted_tuned_measured_and_reported(cell):
    folder, run = cell
    experiment, prediction, tuned = folder / "cell.yaml", folder / "prediction.json", folder / "run"
    experiment.write_text(template(run), encoding="utf-8")
    settings = run.settings
    for words in (
        (
            *("predict", "--model", run.model.id, "--device", "cpu", "--sae-path", run.sae.path),
            *("--sft", run.training_set.source, "--home", "math", "--domains", run.benchmark.source),
            *("--shift-tokens", settings.shift_tokens, "--domain-tokens", settings.domain_tokens),
            *("--domain-shots", settings.domain_shots, "--seed", 0, "--no-meanings", "-o", prediction),
        ),
        ("stage", "finetune", experiment, "--prediction", prediction, "--folder", tuned),
        ("stage", "measure", experiment, "--tuning", tuned / "tuning.json", "--prediction", prediction),
        ("report", prediction, tuned / "transfer.json", "--folder", folder / "report"),
    ):
        ended = call(*words)
        assert ended.code == 0, ended.err
    predicted, transfer = Prediction.read(prediction), Transfer.read(tuned / "transfer.json")
    assert predicted.sae_fit is not None  # the SAE reconstructs what this model computes, or predict had refused it
    assert set(predicted.predictor("sts_icl").values) == DOMAINS
    (training,) = transfer.tuning.runs
    assert (training.steps, training.loss_after < training.loss_before) == (2, True)
    for domain in transfer.domains:
        assert (domain.n, domain.logprob is not None, domain.logprob_per_token is not None) == (3, True, True)
        assert domain.logprob_per_token.delta != 0  # the adapter was there when it was measured
    read = {one.domain: set(one.question_ids) for one in predicted.domains}
    assert not any(read[table.domain] & set(table.question_ids) for table in transfer.answers)
    report = Report.read(folder / "report" / "report.json")
    assert {row.domain for row in report.rows} == DOMAINS
    assert report.prediction_sha256 == predicted.sha256()
    assert (folder / "report" / "report.html").is_file()
