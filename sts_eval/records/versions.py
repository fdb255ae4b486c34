"""The versions that a record's figures depend on."""

import importlib.metadata
import platform

PACKAGES = ("sts-eval", "torch", "transformers", "datasets", "peft", "lm-eval")


def versions(*more: str) -> dict[str, str]:
    """The versions of Python and of those of `PACKAGES` and more packages that are installed."""
    found = {"python": platform.python_version()}
    for name in (*PACKAGES, *more):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # a source tree on the path, or an extra left out
            continue
    return found
