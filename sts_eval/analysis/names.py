"""Short names of models and training sets, for tables."""


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
