"""A store of made runs for tests of the page: planted truths, three origins, several families and sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from helpers.outcomes import cost, outcomes, planted

from sts_eval.records.ledger import StoreSettings
from sts_eval.records.outcome import Outcome
from sts_eval.records.submission import (
    ModelDescription,
    Origin,
    Provenance,
    SAEDescription,
    SetDescription,
    Submission,
)
from sts_eval.store.store import Store

CREATED = "2026-01-05T00:00:00+00:00"

MODELS = {
    "llama-8b": ("Llama", 8_000_000_000),
    "qwen-7b": ("Qwen", 7_000_000_000),
    "gemma-2b": ("Gemma", 2_000_000_000),
}

SETS = ("limo", "law", "code")

DOMAINS = (
    "biology",
    "business",
    "chemistry",
    "computer science",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
)

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
    "{{7*7}}",
    "[click](javascript:alert(1))",
    '=HYPERLINK("http://x","y")',
    "https://evil.example",
    "`code` **bold** | pipe",
    "$x^2$",
    "safe\u202egnp.exe",
    "two\nlines\x00",
)
"""Texts that are something else than text to a browser, a template or a spreadsheet."""


def made_outcomes(*, models: Sequence[str] = tuple(MODELS), sets: Sequence[str] = SETS, seed: int = 0) -> list[Outcome]:
    """Runs whose STS_ICL knows a good part of the change, and whose other column knows nothing."""
    change, noise = planted(n_models=len(models), n_sets=len(sets), n_domains=len(DOMAINS), seed=seed)
    change = change.round(1)
    scores = {"sts_icl": np.abs(change) + noise, "sts_act": 3 * noise + change, "prompt_length": noise[::-1] + 5}
    made = outcomes(
        change,
        scores,
        models=models,
        sets=sets,
        se=1.5,
        groups={"prompt_length": "lexical"},
        costs={"sts_icl": cost(40.0, 500), "prompt_length": cost(0.1, 0)},
        home={"law": ("d8",)},
    )
    return [_named(outcome, number) for number, outcome in enumerate(made)]


def _named(outcome: Outcome, number: int) -> Outcome:
    names = {f"d{place}": name for place, name in enumerate(DOMAINS)}
    # Two seeds on one side and the other of the mean; their error is what it is said to be.
    domains = tuple(one.model_copy(update={"domain": names[one.domain], "n": 400}) for one in outcome.domains)
    predictors = tuple(
        one.model_copy(update={"scores": {names[key]: value for key, value in one.scores.items()}})
        for one in outcome.predictors
    )
    return outcome.model_copy(
        update={
            "domains": domains,
            "predictors": predictors,
            "home": tuple(names[key] for key in outcome.home),
            "prediction_sha256": f"{number:064x}",
            "transfer_sha256": f"{number + 1000:064x}",
        }
    )


def made_submission(outcome: Outcome, *, origin: Origin = "measured", submitter: str = "Ada Lovelace") -> Submission:
    """A submission of an outcome, without its records."""
    family, parameters = MODELS.get(outcome.model, ("Mistral", 7_000_000_000))
    return Submission(
        schema_version=2,
        origin=origin,
        submitter=submitter,
        created=CREATED,
        model=ModelDescription(id=f"org/{outcome.model}", revision=None, family=family, parameters=parameters),
        sae=SAEDescription(
            release="gemma-scope-2b" if family == "Gemma" else None,
            id=None,
            architecture="standard",
            d_sae=16384,
            layer=25,
            hook_name="blocks.25.hook_resid_post",
            neuronpedia_id=None,
        ),
        training_set=SetDescription(id=f"org/{outcome.training_set}", revision=None, rows=817),
        benchmark="mmlu_pro",
        provenance=Provenance(
            versions={"torch": "2.13.0"}, hardware="1 GPU", command="sts-eval run limo.yaml", url=None
        ),
        outcome=outcome,
        prediction=None,
        transfer=None,
    )


OWNER = "0" * 64
"""Who runs the store, so that the runs in it count."""


def fill(store: Store) -> list[str]:
    """Nine measured runs, two imported ones and a published one, by who runs the store; their names."""
    store.configure(StoreSettings(maintainers=(OWNER,)))
    imported = made_outcomes(models=("mistral-7b",), sets=("math", "chat"), seed=1)
    published = made_outcomes(models=("paper-8b",), sets=("limo",), seed=2)
    wanted = [
        *(made_submission(outcome) for outcome in made_outcomes()),
        *(made_submission(_moved(one, 100 + n), origin="imported") for n, one in enumerate(imported)),
        *(made_submission(_moved(one, 200), origin="published") for one in published),
    ]
    names = []
    for one in wanted:
        receipt = store.submit(one.canonical().encode(), owner=OWNER)
        assert receipt.sha256, [str(problem) for problem in receipt.problems]
        names.append(receipt.sha256)
    return names


def _moved(outcome: Outcome, number: int) -> Outcome:
    return outcome.model_copy(
        update={"prediction_sha256": f"{number:064x}", "transfer_sha256": f"{number + 1000:064x}"}
    )
