"""What the lab's accuracy task in lm-evaluation-harness reads: one category's splits, and the options."""

from collections.abc import Mapping
from typing import Any

from sts_eval.lab import benchmark_path


def splits(domain: str, **_metadata: Any) -> Any:
    """The test and validation rows of one category, as a `datasets.DatasetDict`.

    What else the harness passes on changes nothing.
    """
    from datasets import Dataset, DatasetDict

    rows = {}
    for split in ("test", "validation"):
        file = str(benchmark_path() / f"{split}.parquet")
        rows[split] = Dataset.from_parquet(file, filters=[("category", "==", domain)], keep_in_memory=True)
    return DatasetDict(rows)


def choices(doc: Mapping[str, Any]) -> list[str]:
    """The options of a row, each with the line break that ends an answer."""
    return [f"{option}\n" for option in doc["options"]]
