"""The command line: one file per command, each a thin view on the core.

Commands are imported when they are called, so that `sts-eval --help` loads neither torch nor
transformers.
"""

from __future__ import annotations

import importlib
import sys

import click

import sts_eval
from sts_eval.errors import UserError

COMMANDS = {
    "predict": "Predict which domains a training set will change.",
    "init": "Write a commented experiment file.",
    "run": "Predict, fine-tune, measure and report, as an experiment file says.",
    "sweep": "Run a matrix of experiments, here or on a Ray cluster.",
    "finetune": "Only tune the model, once per seed.",
    "measure": "Only measure accuracy before and after.",
    "report": "Only hold a prediction against what happened.",
    "compare": "Compare every predictor with what happened, over many runs.",
    "calibrate": "Turn scores into changes in points, with intervals.",
    "import": "Read results that were measured elsewhere.",
    "export": "Write a run as the Hugging Face hub or Every Eval Ever read it.",
    "validate": "Check submissions to a leaderboard's store.",
    "submit": "Hand a run in to a store.",
    "preregister": "Put a prediction's hash into a store before tuning.",
    "request": "Ask a store's workers for a run.",
    "worker": "Run what people asked a store for.",
    "ledger": "What became of submissions, and a maintainer's word on them.",
    "predictors": "List the predictors that can stand beside STS.",
    "saes": "List the SAEs that sae-lens has for a model.",
    "board": "Serve the leaderboard on this machine.",
    "lab": "The embedded lab: a tiny model, SAE, benchmark and training sets.",
}


MODULES = {"import": "import_"}  # `import` is no name for a module


class _Lazy(click.Group):
    """Knows its commands by name and help line, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"sts_eval.cli.{MODULES.get(cmd_name, cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sts_eval.__version__, prog_name="sts-eval")
def cli() -> None:
    """Which domains will get better and which worse if you tune a model on your data?

    \b
    Try it on the embedded lab, which needs no network:
      sts-eval predict --model $(sts-eval lab model) --sae-path $(sts-eval lab sae) \\
                       --sft $(sts-eval lab sft math) --domains $(sts-eval lab benchmark)
    """  # noqa: D301 -- click wants the control character itself before lines that it must not join


def main() -> None:
    """Run the command line. A user's mistake is one line on stderr and exit code 2."""
    try:
        cli.main(standalone_mode=False)
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
