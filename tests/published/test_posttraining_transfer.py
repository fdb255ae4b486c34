"""Accuracy changes of two public post-trained models, from the answers their MMLU-Pro runs published."""

import math

import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from sts_eval.statistics import noise_ceiling, paired_change

MATHSTRAL = "mistral-7b-v0.1__mathstral-7b"
LLAMA_INSTRUCT = "llama-3.1-8b__instruct"


@pytest.fixture(scope="module", params=[MATHSTRAL, LLAMA_INSTRUCT])
def run(request, shared_data):
    return request.param, pd.read_parquet(shared_data / "transfer" / f"{request.param}.parquet")


def verdicts(table):
    """Right or wrong; an answer that could not be parsed is null and equals nothing, so it is wrong."""
    return [(table[column] == table["answer"]).fillna(value=False) for column in ("pred_before", "pred_after")]


def test_published_changes(run):
    name, table = run
    published = {
        MATHSTRAL: {"math": 27.2, "chemistry": 23.5, "health": 1.0},
        LLAMA_INSTRUCT: {"business": 16.2},
    }
    for domain, points in published[name].items():
        change = paired_change(*verdicts(table[table["category"] == domain]))
        assert change.delta == pytest.approx(points, abs=0.05), domain
        assert change.flags == ()


def test_every_category_agrees_with_statsmodels(run):
    _, table = run
    for _, rows in table.groupby("category"):
        before, after = verdicts(rows)
        change = paired_change(before, after)
        counts = pd.crosstab(before, after).to_numpy()  # rows wrong, right before; columns wrong, right after
        n, b, c = counts.sum(), counts[1, 0], counts[0, 1]
        assert (change.n, change.lost, change.gained) == (n, b, c)
        assert change.p_mcnemar == mcnemar(counts, exact=True).pvalue
        assert change.se == pytest.approx(100 * math.sqrt(b + c - (b - c) ** 2 / n) / n)


def test_pairing_is_sharper_than_two_samples(run):
    _, table = run
    change = paired_change(*verdicts(table))
    p, q = change.accuracy_before, change.accuracy_after
    unpaired = 100 * math.sqrt((p * (1 - p) + q * (1 - q)) / change.n)
    assert change.n == 12_032
    assert change.se < unpaired


def test_unparsed_answers_count_as_wrong(shared_data):
    table = pd.read_parquet(shared_data / "transfer" / f"{MATHSTRAL}.parquet")
    unparsed = table["pred_before"].isna()
    assert unparsed.sum() > 1000
    assert not verdicts(table)[0][unparsed].any()


def test_full_categories_measure_changes_well(run):
    _, table = run
    changes = [paired_change(*verdicts(rows)) for _, rows in table.groupby("category")]
    ceiling = noise_ceiling([change.delta for change in changes], [change.se for change in changes])
    assert len(changes) == 14
    assert 0.85 < ceiling.signed < 1
    assert 0.85 < ceiling.magnitude < 1
