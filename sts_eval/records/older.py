"""Records of earlier schemas in the present layout.

A record keeps the text that it was written with, so its hash stays what others refer to (see `Record.from_json`).
Nothing is added that the older record does not say: what it lacks is None or empty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Values = dict[str, Any]

STS_SUMMARIES = {
    "sts_icl": "How far the domain's own demonstrations move the shifted features (equation 5)",
    "sts_act": "How active the shifted features are in the domain (equation 4)",
    "sts_notebook": "Mean squared activation of the shifted features (the authors' notebook)",
}
"""STS's three scores; before schema 3 of a prediction they were fields of a domain and had no summary."""


def upgraded(kind: str, values: Values) -> Values:
    """The values of a record of any schema, as new values in the present layout.

    `kind` is the name of the record's class. The same object is returned where it needs no change or is no such record.
    """
    version = values.get("schema_version")
    step = _STEPS.get((kind, version)) if isinstance(version, int) else None
    if step is None:
        return values
    try:
        newer = step(dict(values))
    except (KeyError, TypeError, AttributeError, ValueError):  # no such record: validation names what is wrong
        return values
    return values if newer == values else newer


def _prediction_2(values: Values) -> Values:
    """Schema 3 holds every predictor's scores in one list, STS's among them."""
    seeds = list(values["experiment"]["settings"]["seeds"])
    seconds, domains = values["cost"]["seconds"], values.pop("domains")
    cost = {
        "seconds": round(sum(seconds.get(step, 0.0) for step in ("step 1", "step 2")), 3),
        "tokens": values["cost"]["tokens"],
        "passes": values["cost"]["passes"],
        "backward_passes": 0,
    }
    sts = [
        {
            "name": name,
            "group": "sts",
            "flags": [],
            "summary": summary,
            "scores": {domain["domain"]: domain[name] for domain in domains},
            "seeds": seeds,
            "cost": cost,
        }
        for name, summary in STS_SUMMARIES.items()
    ]
    return values | {
        "schema_version": 3,
        "predictors": [*sts, *_predictors(values.pop("columns"), seeds[:1])],
        "domains": [{key: one for key, one in domain.items() if key not in STS_SUMMARIES} for domain in domains],
    }


def _renamed_1(values: Values, name: str) -> Values:
    """Schema 2 renames the predictors and holds errors beside their scores."""
    return values | {"schema_version": 2, "predictors": _predictors(values.pop(name), ())}


def _comparison_1(values: Values) -> Values:
    """Schema 2 holds the figures that only a single run has."""
    tables = [{**table, "rows": [{**row, "single": None} for row in table["rows"]]} for table in values["tables"]]
    return _comparison_2(values | {"tables": tables})


def _comparison_2(values: Values) -> Values:
    """Schema 3 takes plain |Δ| for the size of a change; before, the noise's share was taken off.

    The likelihood ratio, which counted points as independent, is gone.
    """
    added = [
        {
            **table,
            "rows": [
                {key: one for key, one in row.items() if not key.endswith("_likelihood")} for row in table["rows"]
            ],
        }
        for table in map(_debiased, values["added"])
    ]
    return values | {"schema_version": 3, "tables": [*map(_debiased, values["tables"])], "added": added}


def _debiased(table: Values) -> Values:
    """A table of schema 2 under the name that its question has now."""
    return {**table, "question": "how_much_debiased"} if table["question"] == "how_much" else table


def _report_2(values: Values) -> Values:
    """Its own layout did not change; the comparison in it was of an earlier schema too."""
    comparison = values["comparison"]
    return values | {"schema_version": 3, "comparison": upgraded("Comparison", comparison) if comparison else None}


def _report_1(values: Values) -> Values:
    """Schema 2 compares all predictors; a report of schema 1 held STS's scores against the changes only."""
    del values["agreements"]
    return values | {"schema_version": 3, "comparison": None}


def _submission_1(values: Values) -> Values:
    """Its own layout did not change; the records in it were of earlier schemas too."""
    parts = {"outcome": "Outcome", "prediction": "Prediction"}
    newer = {name: upgraded(kind, values[name]) for name, kind in parts.items() if values.get(name) is not None}
    if any(part is values[name] for name, part in newer.items()):
        raise ValueError("a part is of another version than the whole")
    return values | {"schema_version": 2} | newer


def _submission_2(values: Values) -> Values:
    """A submission of the present schema may attach the prediction of an older run."""
    prediction = values["prediction"]
    return values | {"prediction": upgraded("Prediction", prediction) if prediction else None}


def _predictors(columns: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> list[Values]:
    """Scores that were plain numbers."""
    return [
        {
            **column,
            "scores": {name: {"value": value, "se": None, "seed_sd": None} for name, value in column["scores"].items()},
            "seeds": list(seeds),
        }
        for column in columns
    ]


_STEPS: Mapping[tuple[str, int], Callable[[Values], Values]] = {
    ("Prediction", 2): _prediction_2,
    ("Outcome", 1): lambda values: _renamed_1(values, "said"),
    ("Oracle", 1): lambda values: _renamed_1(values, "columns"),
    ("Comparison", 1): _comparison_1,
    ("Comparison", 2): _comparison_2,
    ("Report", 1): _report_1,
    ("Report", 2): _report_2,
    ("Submission", 1): _submission_1,
    ("Submission", 2): _submission_2,
}
