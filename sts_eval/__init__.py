"""Predict, from the untuned model, which domains a fine-tuning run will change, and check it.

The method is STS, the SAE-based Transferability Score of arXiv 2603.02908. The public names are those of
`sts_eval.api`, which is imported when one of them is first asked for: `import sts_eval` loads neither torch nor
transformers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # type checkers and editors see the one list of names
    from sts_eval.api import *  # noqa: F403 -- whatever is in that list
    from sts_eval.api import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        """A public function or class, or the list of them."""
        api = importlib.import_module("sts_eval.api")
        if name == "__all__" or name in api.__all__:
            return getattr(api, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return [*__getattr__("__all__"), "__version__"]
