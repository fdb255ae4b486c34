"""The command line: a file per command or group of commands, each a thin view on the core.

A file is imported when one of its commands is called, and imports what is slow (torch, pandas, scipy) inside its
commands, so that no help waits for it.
"""

import difflib
import importlib
import sys

import click

from sts_eval.errors import UserError
from sts_eval.quiet import quiet_libraries

SECTIONS = {
    "Predict, fine-tune, measure": {
        "predict": ("predict:predict", "Predict which domains fine-tuning on a training set will change."),
        "features": ("features:features", "Say what the shifted features of a prediction mean."),
        "init": ("run:init", "Write a commented experiment file."),
        "check": ("check:check", "Check in seconds everything that a run needs."),
        "run": ("run:run", "Predict, fine-tune, measure and report, as an experiment file says."),
        "sweep": ("sweep:sweep", "Run a matrix of experiments, on this machine or on a Ray cluster."),
        "mix": ("mix:mix", "Choose rows to add to a training set so that other domains do not fall."),
        "sae": ("sae:sae", "Train a sparse autoencoder for a model that has none."),
        "stage": ("run:stage", "One stage of a run by itself: finetune, measure."),
    },
    "Compare predictions with measured changes": {
        "report": ("compare:report", "Compare one prediction with the changes that were measured."),
        "gate": ("gate:gate", "Stop a pipeline where fine-tuning broke a domain: exit code 3."),
        "compare": ("compare:compare", "Compare all predictors over many runs."),
        "beside": ("compare:beside", "Compare tunings of one model on the same data, such as SFT and GRPO."),
        "ablate": ("ablate:ablate", "Set predicted features to zero: does the model need them?"),
        "reproduce": ("reproduce:reproduce", "Compare the paper's tables and figures with what your runs show."),
        "power": ("power:power", "How many runs are needed to tell two predictors apart."),
        "calibrate": ("compare:calibrate", "Convert scores to changes in points, with intervals."),
    },
    "Share results": {
        "import": ("exchange:import_results", "Read results that were measured elsewhere."),
        "export": ("exchange:export", "Write a run in the format of the Hugging Face hub or of Every Eval Ever."),
        "store": (
            "store:store",
            "A leaderboard's store: hand in runs, check and reproduce them, ask for runs.",
        ),
        "board": ("board:board", "Serve the leaderboard on this machine."),
    },
    "Look up": {
        "list": ("listing:listing", "List the predictors, or the SAEs for a model."),
        "env": ("env:env", "Versions and devices, for a report of a problem."),
        "lab": ("lab:lab", "The embedded lab: a tiny model, SAE, benchmark and training sets."),
    },
}
"""Commands by the sections of `--help`: where each is defined (module:name), and its line of help."""

COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}

MOVED = {
    **dict.fromkeys(("finetune", "measure"), "stage"),
    **dict.fromkeys(("submit", "validate", "preregister", "request", "worker", "ledger"), "store"),
    **dict.fromkeys(("predictors", "saes"), "list"),
}
"""Commands that now belong to a group. Their old names work until the next release, and are not shown."""


class _Lazy(click.Group):
    """Knows its commands by name and help line, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in MOVED:
            click.echo(f"`sts-eval {cmd_name}` is now `sts-eval {MOVED[cmd_name]} {cmd_name}`.", err=True)
            group = self.get_command(ctx, MOVED[cmd_name])
            return group.get_command(ctx, cmd_name) if isinstance(group, click.Group) else None
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(f"sts_eval.cli.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in (*COMMANDS, *MOVED) and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, COMMANDS)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from sts_eval.cli.env import version

        click.echo(f"sts-eval, version {version()}")
        context.exit()


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version, with the commit of git where that is known.",
)
def cli() -> None:
    """Rank domains by how much fine-tuning a model on your data is expected to change them, and measure it.

    In the lab larger scores went with rises; for real models this is not shown yet (docs/evidence.md).

    \b
    Try it on the embedded lab, which needs no network:
      sts-eval predict --model $(sts-eval lab model) --sae-path $(sts-eval lab sae) \\
                       --sft $(sts-eval lab sft math) --domains $(sts-eval lab benchmark) \\
                       --shift-tokens 2000 --domain-tokens 1400
    """  # noqa: D301 -- click wants the control character itself before lines that it must not join


def main() -> None:
    """Run the command line. A user's mistake is one line on stderr and exit code 2."""
    quiet_libraries()
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
