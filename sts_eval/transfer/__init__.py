"""What really happened: fine-tune, evaluate before and after, join question by question, or import all that.

Nothing in `sts_eval.predictors` imports this room, so that no prediction can know its outcome.
"""
