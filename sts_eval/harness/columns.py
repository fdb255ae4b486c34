"""Other predictors in the harness's table: a value per domain, where `--metadata predictors=` asks for them.

They are about a domain rather than a question, so every question of a domain reports the same value and the table
shows no standard error. Those that run backward passes or train are left to `sts-eval predict`: the harness runs
models without gradients.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import TuneSettings
from sts_eval.harness.plan import Plan, benchmark_of
from sts_eval.prediction.collect import Material, Rivals
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.predictors.registry import select
from sts_eval.progress import silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.question_scores import choose_questions, read_domain
from sts_eval.study.shifted_features import measure_shift

_logger = logging.getLogger(__name__)


def wanted(names: Sequence[str]) -> tuple[Predictor, ...]:
    """The predictors of these names that need no gradient.

    Raises:
        UserError: There is no predictor of a name.
    """
    return tuple(one for one in select(names) if not one.needs & {Need.GRADIENTS, Need.PROBE})


def columns_of(extractor: Extractor, plan: Plan, domains: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Score by predictor and domain, over the questions that the first seed draws.

    Args:
        extractor: Model, SAE and dials.
        plan: What is predicted.
        domains: Names of the domains; predictors that compare domains see these.

    Raises:
        UserError: A name is no predictor, or a question does not say which option is right.
    """
    predictors = wanted(plan.settings.predictors)
    skipped = [one.name for one in select(plan.settings.predictors) if one not in predictors]
    if skipped:
        _logger.warning("%s need gradients; `sts-eval predict` computes them.", ", ".join(skipped))
    training_set, benchmark = load_training_set(plan.training_set), benchmark_of(plan.benchmark)
    seed, budget = plan.settings.seeds[0], plan.settings.domain_tokens
    length = extractor.prompter.length
    chosen = {name: choose_questions(benchmark.domains[name], seed, budget, length) for name in domains}
    rivals = Rivals(predictors, extractor)
    shift = measure_shift(extractor, training_set, seed, silent, rivals.listen())
    if Need.ACTIVATIONS in rivals.needs:
        for name, positions in chosen.items():
            listen = rivals.listen(name)
            read_domain(extractor, benchmark.domains[name], [shift], {seed: positions}, listen=listen)
    material = Material(training_set, benchmark, chosen, TuneSettings())
    return {column.name: column.values for column in rivals.columns(material, shift, silent)}
