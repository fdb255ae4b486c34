"""`python -m sts_eval.cli`, for launchers that start modules."""

from sts_eval.cli import main

main()
