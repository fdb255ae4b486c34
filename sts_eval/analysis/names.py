"""Short names of models, training sets and benchmarks, for tables."""

from sts_eval.transfer.option_measures import OPTIONS_TASK


def model_name(identity: str) -> str:
    """Short name of a model: the last part of its id that says more than `model` or `files`."""
    parts = [part for part in identity.replace("\\", "/").split("/") if part]
    return next((part for part in reversed(parts) if part not in ("model", "files")), parts[-1])


def set_name(source: str) -> str:
    """Short name of a training set: a file's name without its ending, or the last part of a hub id."""
    last = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    for ending in (".jsonl", ".json", ".csv", ".tsv", ".parquet"):
        last = last.removesuffix(ending)
    return last


def benchmark_name(task: str, source: str) -> str:
    """What was asked: the lm-eval task, or the source where that task scores the options of any benchmark."""
    return f"{set_name(source)}-options" if task == OPTIONS_TASK else task
