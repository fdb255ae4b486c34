"""Results made elsewhere: published ones, and files that are not what they should be."""

import json
import math

import pandas as pd
import pytest

from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer

MATHSTRAL = "mistral-7b-v0.1__mathstral-7b.parquet"
LLAMA = "llama-3.1-8b__instruct.parquet"


@pytest.fixture(scope="module")
def mathstral(shared_data):
    return import_transfer("table", [shared_data / "transfer" / MATHSTRAL])


def paired_se(path, domain):
    """In points, from the counts of lost (b) and gained (c): √(b + c − (b − c)²/n) / n."""
    table = pd.read_parquet(path)
    table = table[table["category"] == domain]
    was, became = table["pred_before"] == table["answer"], table["pred_after"] == table["answer"]
    n, b, c = len(table), (was & ~became).sum(), (~was & became).sum()
    return 100 * math.sqrt(b + c - (b - c) ** 2 / n) / n


def test_mathstral_gains_in_mathematics(mathstral, shared_data):
    change = mathstral.domain("math")
    assert change.delta == pytest.approx(27.2, abs=0.05)
    assert change.se == pytest.approx(paired_se(shared_data / "transfer" / MATHSTRAL, "math"))
    assert change.se == pytest.approx(1.48, abs=0.005)
    assert mathstral.domain("chemistry").delta == pytest.approx(23.5, abs=0.05)
    assert mathstral.domain("health").delta == pytest.approx(1.0, abs=0.05)
    assert change.p_mcnemar < 1e-50


def test_parse_failures_stand_beside(mathstral):
    unparsed = sum(table.before.n_unparsed for table in mathstral.answers)
    assert unparsed == 1251
    assert mathstral.domain("math").form_before.unparsed > 0.05
    assert mathstral.domain("math").form_after.unparsed == 0
    assert "unparsed_changed" in mathstral.domain("math").flags


def test_llama_instruct_gains_in_business(shared_data):
    record = import_transfer("table", [shared_data / "transfer" / LLAMA])
    change = record.domain("business")
    assert change.delta == pytest.approx(16.2, abs=0.05)
    assert change.se == pytest.approx(paired_se(shared_data / "transfer" / LLAMA, "business"))
    assert change.se == pytest.approx(1.96, abs=0.005)
    assert (record.model_before, record.model_after) == ("llama-3.1-8b", "instruct")
    assert sum(domain.n for domain in record.domains) == 12_032


def test_an_imported_record_names_its_source(mathstral, tmp_path):
    assert mathstral.origin.kind == "imported"
    assert mathstral.origin.sources == (MATHSTRAL,)
    assert len(mathstral.origin.sources_sha256[0]) == 64
    mathstral.write(tmp_path / "transfer.json")
    assert (tmp_path / "transfer.json").stat().st_size < 300_000
    assert type(mathstral).read(tmp_path / "transfer.json") == mathstral


def test_official_files(shared_data):
    folder = shared_data / "mmlu_pro_outputs"
    before = folder / "model_outputs_Meta-Llama-3_1-8B_5shots.json"
    after = folder / "model_outputs_Meta-Llama-3_1-8B-Instruct_5shots.json"
    record = import_transfer("mmlu-pro", [before, after])
    assert record.model_before == "Meta-Llama-3_1-8B_5shots"
    assert len(record.domains) == 14
    assert all(domain.n == 25 and "small_sample" in domain.flags for domain in record.domains)
    rows = [json.loads(path.read_text()) for path in (before, after)]
    right = [sum(row["pred"] == row["answer"] for row in side if row["category"] == "physics") for side in rows]
    physics = record.domain("physics")
    assert (25 * physics.accuracy_before, 25 * physics.accuracy_after) == pytest.approx(right)
    assert physics.form_before.mean_length == pytest.approx(
        sum(len(row["generated_text"]) for row in rows[0] if row["category"] == "physics") / 25
    )


def test_official_null_is_a_parse_failure(tmp_path):
    rows = [
        {"question_id": number, "category": "law", "answer": "A", "pred": pred, "model_outputs": "text"}
        for number, pred in enumerate(["A", "B", None])
    ]
    (tmp_path / "before.json").write_text(json.dumps(rows))
    (tmp_path / "after").mkdir()
    (tmp_path / "after" / "law.json").write_text(json.dumps([row | {"pred": "A"} for row in rows]))
    record = import_transfer("mmlu-pro", [tmp_path / "before.json", tmp_path / "after"])
    assert record.answers[0].before.verdicts == "rwu"
    assert record.answers[0].after[0].verdicts == "rrr"


def test_several_tuned_models_are_seeds(shared_data):
    folder = shared_data / "mmlu_pro_outputs"
    after = folder / "model_outputs_Meta-Llama-3_1-8B-Instruct_5shots.json"
    before = folder / "model_outputs_Meta-Llama-3_1-8B_5shots.json"
    record = import_transfer("mmlu-pro", [before, after, after])
    assert record.seeds == (0, 1)
    assert record.domains[0].seed_sd == 0


def table(**columns):
    rows = {
        "question_id": [1, 2],
        "category": ["law", "law"],
        "answer": ["A", "B"],
        "pred_before": ["A", None],
        "pred_after": ["A", "B"],
    }
    return pd.DataFrame(rows | columns)


def test_a_csv_table(tmp_path):
    table().to_csv(tmp_path / "both.csv", index=False)
    record = import_transfer("table", [tmp_path / "both.csv"])
    assert (record.answers[0].before.verdicts, record.answers[0].after[0].verdicts) == ("ru", "rr")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table().drop(columns="pred_after"), "has no column 'pred_after'"),
        (table(question_id=[1, 1]), "more than once before, such as 1 of law"),
        (table(category=["law", None]), "row 2 lacks its question_id, category or answer"),
    ],
)
def test_bad_tables(tmp_path, frame, message):
    frame.to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(UserError, match=message):
        import_transfer("table", [tmp_path / "bad.parquet"])


def test_other_mistakes(tmp_path):
    (tmp_path / "rows.json").write_text('[{"question_id": 1}]')
    cases = [
        ("nonsense", ["a", "b"], "no format is called 'nonsense'"),
        ("table", ["a", "b"], "takes one file, not 2"),
        ("mmlu-pro", ["a"], "needs a result before and one after"),
        ("mmlu-pro", ["rows.json", "rows.json"], "has no column 'category'"),
        ("lm-eval", ["nowhere", "nowhere"], "there is no file or folder"),
        ("lm-eval", [".", "."], "holds no samples"),
    ]
    for form, names, message in cases:
        with pytest.raises(UserError, match=message):
            import_transfer(form, [tmp_path / name for name in names])
