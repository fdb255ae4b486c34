"""STS inside lm-evaluation-harness: the class that its task files name, and the one request it needs."""

from sts_eval.harness.group import STSBenchmark

__all__ = ["STSBenchmark"]
