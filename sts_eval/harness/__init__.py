"""STS inside lm-evaluation-harness: a task class for YAML files, and the one request it needs."""

from sts_eval.harness.task import STSTask

__all__ = ["STSTask"]
