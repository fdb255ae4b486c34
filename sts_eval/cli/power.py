"""`sts-eval power`: how many runs a comparison needs, before they are paid for."""

from pathlib import Path
from typing import get_args

import click

from sts_eval.cli.options import PATH, POST_HOC, UNRELATED
from sts_eval.errors import UserError
from sts_eval.records.comparison import Measure, Question
from sts_eval.records.output import check_output


@click.command("power")
@click.argument("matrix", nargs=-1, type=PATH)
@click.option("--noise", type=PATH, help="File that --save-noise wrote, instead of runs.")
@click.option("--r", default=0.6, show_default=True, help="r of one predictor, as measured in these runs.")
@click.option("--against", default=0.7, show_default=True, help="r of the other predictor.")
@click.option("--sets", type=int, multiple=True, help="Number of training sets to try. May be repeated.")
@click.option("--models", type=int, multiple=True, help="Number of models to try. May be repeated.")
@click.option("--domains", type=int, multiple=True, help="Number of domains to try. May be repeated.")
@click.option("--questions", type=int, multiple=True, help="Number of questions per domain to try. May be repeated.")
@click.option(
    "--question",
    type=click.Choice(["which_way", "which_way_away", "which_set", "which_set_away"]),
    default="which_way",
    show_default=True,
    help="Which way a domain changes, or which set helps which domain; away: home domains left out.",
)
@click.option(
    "--measure",
    type=click.Choice(get_args(Measure)),
    default="accuracy",
    show_default=True,
    help="How the change of a domain is measured.",
)
@click.option(
    "--simulations", type=click.IntRange(20), default=200, show_default=True, help="Simulated matrices of each size."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the simulation.")
@click.option("--save-noise", type=PATH, help="Write the noise of the runs as JSON.")
@POST_HOC
@UNRELATED
def power(
    matrix: tuple[Path, ...],
    noise: Path | None,
    r: float,
    against: float,
    sets: tuple[int, ...],
    models: tuple[int, ...],
    domains: tuple[int, ...],
    questions: tuple[int, ...],
    question: Question,
    measure: Measure,
    simulations: int,
    seed: int,
    save_noise: Path | None,
    post_hoc: bool,
    unrelated: bool,
) -> None:
    """How many training sets, models, domains and questions are needed to tell two predictors apart.

    The noise comes from the runs of MATRIX (folders of `sts-eval run` or .jsonl files of outcomes), or from --noise.
    Without either, it is that of the lab's runs.
    """
    from sts_eval.analysis.aligned_runs import align
    from sts_eval.analysis.power import LAB, Asked, needed, noise_of
    from sts_eval.analysis.runs import gather
    from sts_eval.records.noise import MatrixNoise
    from sts_eval.reporting.power import print_power

    if matrix and noise is not None:
        raise UserError("there are runs and --noise", "Give one of them")
    if save_noise is not None:
        if not matrix:
            raise UserError("--save-noise needs runs", "Give the runs whose noise is to be saved")
        check_output(save_noise, matrix, kind=MatrixNoise, option="--save-noise")
    if matrix:
        found = noise_of(align(gather(matrix, post_hoc=post_hoc, unrelated=unrelated)))
    else:
        found = MatrixNoise.read(noise or LAB)
    if save_noise is not None:
        found.write(save_noise)
    asked = Asked(question, (r, against), simulations, seed)
    sizes = {"sets": sets, "models": models, "domains": domains, "questions": questions}
    print_power(needed(found, measure, asked, sizes), found, measure, asked)
