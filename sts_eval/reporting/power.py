"""How many runs a comparison needs, on the terminal: the smallest design first, then the table."""

import math

from sts_eval.analysis.power import ENOUGH, GOOD_CEILING, Asked, PowerAnalysis, Tried
from sts_eval.analysis.wording import MEASURES, QUESTIONS, counted
from sts_eval.records.comparison import Measure
from sts_eval.records.noise import MatrixNoise
from sts_eval.reporting.terminal import standard_output, text_table
from sts_eval.statistics.power import Components, Design


def print_power(found: PowerAnalysis, matrix: MatrixNoise, measure: Measure, asked: Asked) -> None:
    """Print the smallest design, the table, the components of the noise, and what they assume."""
    console = standard_output()
    for line in (_lead(found, asked), *_beside(found, asked)):
        console.print(line, markup=False, highlight=False)
    header = ["models", "sets", "runs", "domains", "questions", "power", "best test", "ceiling", "set × domain"]
    rows = [_cells(row) for row in found.rows]
    console.print(
        text_table(f"The fewest sets for {ENOUGH:.0%}, or the most that were tried", header, rows, dense=True)
    )
    for line in _notes(matrix, measure, asked):
        console.print(line, style="dim", markup=False, highlight=False)


def _lead(found: PowerAnalysis, asked: Asked) -> str:
    low, high = sorted(asked.r)
    told = (
        f"to tell r = {high:.2f} from r = {low:.2f} in {ENOUGH:.0%} of matrices ({QUESTIONS[asked.question].lower()})"
    )
    if found.smallest is None:
        return f"None of the designs with these domains and questions is enough {told}. The table has others."
    runs = counted(found.smallest.design.runs, "run")
    return f"{runs}: the smallest of the designs tried {told}. {_size(found.smallest.design)}."


def _beside(found: PowerAnalysis, asked: Asked) -> list[str]:
    own = found.as_it_is
    spread = f"r differs by {own.power.difference:.2f} ± {own.power.spread:.2f} from one such matrix to the next"
    lines = [f"The matrix as it is ({_size(own.design)}) tells them apart in {own.power.share:.0%}; {spread}."]
    if math.isinf(found.questions_for_ceiling):
        return [
            *lines,
            "Nothing of set × domain is seen above the noise, so no number of questions is known to suffice.",
        ]
    reached = math.ceil(found.questions_for_ceiling)
    return [
        *lines,
        f"Ceiling of set × domain: {own.set_by_domain:.2f} with {counted(own.design.questions, 'question')} a domain; "
        f"{GOOD_CEILING:.2f} takes {reached}.",
    ]


def _size(design: Design) -> str:
    return (
        f"{counted(design.sets, 'set')} in {counted(design.models, 'model')}, {counted(design.domains, 'domain')} of "
        f"{counted(design.questions, 'question')}"
    )


def _cells(row: Tried) -> list[str]:
    design = row.design
    sets = str(design.sets) if row.enough else f"> {design.sets}"
    runs = str(design.runs) if row.enough else f"> {design.runs}"
    figures = [
        f"{row.power.share:.0%}",
        f"{row.power.by_spread:.0%}",
        f"{row.which_way:.2f}",
        f"{row.set_by_domain:.2f}",
    ]
    return [str(design.models), sets, runs, str(design.domains), str(design.questions), *figures]


def _notes(matrix: MatrixNoise, measure: Measure, asked: Asked) -> list[str]:
    noise = matrix.noise(asked.question, measure)
    if noise is None:  # which no analysis has
        return []
    error = (noise.error + noise.shared) / noise.questions
    total = noise.change.total + error
    change = f"{_shares(noise.change, total)}, error of {noise.questions:.0f} questions {error / total:.0%}"
    lines = [
        f"Noise: {matrix.n_runs} runs ({', '.join(matrix.models)} on {', '.join(matrix.training_sets)}), "
        f"{MEASURES[measure]}. Changes within a run: {change}.",
        f"A predictor's error: {_shares(noise.score, 1)}, as in {len(matrix.predictors)} predictors; two predictors' "
        f"errors correlate by {noise.alike:.2f}.",
        f"Power: of {asked.n_simulations} simulated matrices, those whose paired interval, as `compare` has it, lies "
        "on the right side of 0. Best test: the same if the spread of the difference were known (mean/sd of the "
        "simulated differences). The interval is on the wide side, which is the gap between the two.",
        "Assumed: normal parts; r as measured with the noise's own number of questions, equal in all sets but for the "
        "error; all of the measurement error falls with questions (that of tuning seeds does not). Few models and sets "
        "give rough components: take the answer as an order of size.",
    ]
    if noise.shared == 0:
        lines.append(
            "How much of the error a model's runs share is not recorded, so it counts as model × domain, and the "
            "ceiling of set × domain is somewhat too low."
        )
    if len(matrix.models) == 1:
        lines.append("One model: what models share is not known, and model × domain counts as common to all.")
    return lines


def _shares(parts: Components, total: float) -> str:
    return (
        f"common to all {parts.common / total:.0%}, model × domain {parts.by_model / total:.0%}, set × domain "
        f"{parts.by_set / total:.0%}, the rest {parts.rest / total:.0%}"
    )
