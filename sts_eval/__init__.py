"""Predict, from the untuned model, which domains a fine-tuning run will change, and check it.

The method is STS, the SAE-based Transferability Score of arXiv 2603.02908. Importing this package
loads neither torch nor transformers; the modules that need them load them.
"""

__version__ = "0.1.0"
