"""A store of made-up runs: the lab's (benchmarks/results/lab_matrix.jsonl) under other names.

Other models, SAEs, training sets, seeds and dates; changes drawn per domain from the lab's runs, scores with noise.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MATRIX = Path(__file__).resolve().parent / "results" / "lab_matrix.jsonl"

FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
FAMILIES = ("Llama", "Qwen", "Gemma", "Mistral", "Phi", "OLMo", "Pythia", "Falcon", "Granite", "SmolLM")
SIZES = (500_000_000, 1_500_000_000, 3_000_000_000, 8_000_000_000, 14_000_000_000, 32_000_000_000, 70_000_000_000)
SETS = 120
RELEASES = ("gemma-scope", "llama-scope", "qwen-scope", "pythia-saes", None)
WIDTHS = (16_384, 32_768, 65_536, 131_072)


def write_store(folder: Path, runs: int) -> None:
    """Write the files of so many submissions and their ledger entries, without handing them in."""
    start = time.perf_counter()
    for place in ("submissions", "ledger"):
        (folder / place).mkdir(parents=True)
    n_bytes = 0
    for number, submission in enumerate(submissions(runs)):
        content = canonical(submission)
        sha256 = hashlib.sha256(content).hexdigest()
        (folder / "submissions" / f"{sha256}.json").write_bytes(content)
        n_bytes += len(content)
        when = FIRST_DAY + timedelta(minutes=45 * number)
        entry = {
            "schema_version": 1,
            "action": "accepted",
            "submission": sha256,
            "when": when.isoformat(timespec="seconds"),
            "by": submission["submitter"],
            "why": "self_reported",
            "other": None,
        }
        name = f"{when:%Y%m%dT%H%M%S%fZ}-accepted-{sha256[:16]}-{uuid.uuid4().hex}.json"
        (folder / "ledger" / name).write_bytes(canonical(entry))
    print(f"{runs:,} files, {n_bytes / 2**20:,.0f} MiB, {time.perf_counter() - start:.0f} s", file=sys.stderr)


def submissions(runs: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Submissions as JSON's own values, no two of one model, SAE and training set.

    Args:
        runs: How many.
        seed: Of everything that is drawn.
    """
    rng = random.Random(seed)  # noqa: S311 - made-up runs are no secret
    lab = [json.loads(line) for line in MATRIX.read_text(encoding="utf-8").splitlines()]
    for number in range(runs):
        base = rng.choice(lab)
        # 120 sets by 84 models: some runs differ in their SAE alone, as on a real board.
        model, family = f"model-{number // SETS}", FAMILIES[number // SETS % len(FAMILIES)]
        training_set, layer = f"set-{number % SETS}", 4 * rng.randrange(1, 9)
        domains = [
            dict(next(one for one in rng.choice(lab)["domains"] if one["domain"] == domain["domain"]))
            for domain in base["domains"]
        ]
        said = [
            {
                **one,
                "scores": {name: float(f"{score * rng.gauss(1, 0.2):.6g}") for name, score in one["scores"].items()},
            }
            for one in base["said"]
        ]
        created = (FIRST_DAY + timedelta(minutes=45 * number)).isoformat(timespec="seconds")
        yield {
            "schema_version": 1,
            "origin": "measured" if number % 10 else "imported",
            "submitter": f"lab {rng.randrange(200)}",
            "created": created,
            "model": {
                "id": f"org/{model}",
                "revision": None,
                "family": family,
                "parameters": SIZES[number // SETS % len(SIZES)],
            },
            "sae": {
                "release": rng.choice(RELEASES),
                "id": None,
                "architecture": "topk",
                "d_sae": rng.choice(WIDTHS),
                "layer": layer,
                "hook_name": f"blocks.{layer}.hook_resid_post",
                "neuronpedia_id": None,
            },
            "training_set": {"id": f"org/{training_set}", "revision": None, "rows": 817},
            "benchmark": "mmlu_pro" if number % 5 else "bbh",
            "provenance": {"versions": {}, "hardware": None, "command": None, "url": None},
            "outcome": {
                **base,
                "model": model,
                "training_set": training_set,
                "created": created,
                "prediction_sha256": hashlib.sha256(f"p{seed} {number}".encode()).hexdigest(),
                "transfer_sha256": hashlib.sha256(f"t{seed} {number}".encode()).hexdigest(),
                "domains": domains,
                "said": said,
            },
            "prediction": None,
            "transfer": None,
        }


def canonical(values: dict[str, Any]) -> bytes:
    """As `Record.canonical`, without building the record."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
