"""Outcomes of runs: from their records, from folders of `sts-eval run`, and from files of outcomes.

A run on disk is read by the hashes that its report names, so what is compared is what was reported.
"""

from collections.abc import Sequence
from pathlib import Path

from sts_eval.analysis.aligned_runs import BESIDE_ACCURACY, FEWEST_DOMAINS
from sts_eval.analysis.belonging import check_belonging
from sts_eval.analysis.layers import scores_of_other_layers
from sts_eval.analysis.names import model_name, set_name
from sts_eval.errors import UserError
from sts_eval.records.oracle import Oracle
from sts_eval.records.outcome import Change, DomainOutcome, Outcome, QuestionChanges, read_outcomes
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.record import fingerprint
from sts_eval.records.report import Report
from sts_eval.records.run_folder import EVALUATIONS, RunFolder
from sts_eval.records.transfer import DomainAnswers, DomainChange, Transfer
from sts_eval.transfer.domain_changes import trusted_figures


def gather(paths: Sequence[Path], *, post_hoc: bool = False, unrelated: bool = False) -> tuple[Outcome, ...]:
    """Read runs from folders of `sts-eval run` and `.jsonl` files of outcomes, in the order given.

    Raises:
        UserError: A path is no run, a run is post hoc or given twice, two runs are of one model and training set,
            or the runs have fewer than 3 domains in common.
    """
    found: list[tuple[Path, Outcome]] = []
    for path in paths:
        if path.suffix == ".jsonl":
            found += [(path, outcome) for outcome in read_outcomes(path)]
        elif path.name != EVALUATIONS or RunFolder.of(path).report.is_file():
            found.append((path, outcome_of(path, unrelated=unrelated, questions=True)))
    if not found:
        raise UserError("there is no run to compare", "Give run folders or .jsonl files of outcomes")
    _check(found, post_hoc)
    return tuple(outcome for _, outcome in found)


def outcome_of(
    folder: Path,
    *,
    model: str | None = None,
    training_set: str | None = None,
    home: Sequence[str] = (),
    unrelated: bool = False,
    questions: bool = False,
) -> Outcome:
    """One run, by the prediction and the transfer that its report names, with what oracles and other layers say.

    Names, home domains and questions are as in `summarise`. `unrelated` goes on where the two are about different
    things.

    Raises:
        UserError: There is no report, a record that it names is gone, the two do not belong together, or the transfer's
            figures contradict its answers.
    """
    report, prediction, transfer = read_report(folder)
    files = RunFolder.of(folder)
    oracles = read_oracles(files, prediction, transfer)
    layers = scores_of_other_layers(prediction, transfer, files)
    related = check_belonging(prediction, transfer, unrelated=unrelated, where=f"{folder}: ")
    outcome = summarise(
        prediction,
        transfer,
        model=model,
        training_set=training_set,
        home=home,
        more=(*oracles, *layers),
        changes=trusted_figures(transfer),
        questions=questions,
    )
    said = {"post_hoc": outcome.post_hoc or report.post_hoc, "unrelated": related.differences}
    return outcome.model_copy(update=said)


def read_report(folder: Path) -> tuple[Report, Prediction, Transfer]:
    """The report of a run, and the prediction and the transfer that it names.

    Raises:
        UserError: There is no report, or a record that it names is gone.
    """
    files = RunFolder.of(folder)
    if not files.report.is_file():
        if not folder.exists():
            raise UserError(f"there is no run {folder}", "Check the path")
        if folder.is_file():
            raise UserError(f"{folder} is a file, and no .jsonl of outcomes", "Give the folder of a finished run")
        raise UserError(f"{folder} has no {files.report.name}", "Run `sts-eval run` first")
    report = Report.read(files.report)
    prediction = files.record_named(Prediction, report.prediction_sha256)
    return report, prediction, files.record_named(Transfer, report.transfer_sha256)


def read_oracles(files: RunFolder, prediction: Prediction, transfer: Transfer) -> tuple[PredictorScores, ...]:
    """What was read from the first tuned model; nothing where it was not read."""
    trainings = transfer.tuning.runs if transfer.tuning else ()
    paths = [path for training in trainings if (path := files.oracle(prediction, training)).is_file()]
    if not paths:
        return ()
    from sts_eval.hindsight.oracles import truncation_scores  # loads torch, which runs without oracles do without

    truncation = truncation_scores(transfer)
    return (*Oracle.read(paths[0]).predictors, *([truncation] if truncation else []))


def summarise(
    prediction: Prediction,
    transfer: Transfer,
    *,
    model: str | None = None,
    training_set: str | None = None,
    home: Sequence[str] = (),
    more: Sequence[PredictorScores] = (),
    changes: Sequence[DomainChange] | None = None,
    questions: bool = False,
) -> Outcome:
    """Join a prediction and a transfer, domain by domain; domains that only one of them has are left out.

    `model` and `training_set` are short names, taken from the prediction if None; `home` are the domains that the
    training set is made for, as the prediction's experiment says if empty; `more` are scores of oracles, whose flag O
    keeps them out of every ranking; `changes` are figures to take instead of the record's. With `questions` the change
    of every question is kept, so that errors that runs of one model share can be told.
    """
    predicted = {domain.domain for domain in prediction.domains}
    return Outcome(
        model=model or model_name(prediction.model.id),
        training_set=training_set or set_name(prediction.training_set.source),
        home=tuple(home) or prediction.experiment.training_set.home,
        created=prediction.created,
        prediction_sha256=prediction.sha256(),
        transfer_sha256=transfer.sha256(),
        post_hoc=transfer.post_hoc,
        seeds=transfer.seeds,
        domains=tuple(
            _domain(change, answers if questions else None)
            for change, answers in zip(changes or transfer.domains, transfer.answers, strict=True)
            if change.domain in predicted
        ),
        predictors=(*prediction.predictors, *more),
        tuning_seconds=sum(run.seconds for run in transfer.tuning.runs) if transfer.tuning else None,
    )


def _domain(change: DomainChange, answers: DomainAnswers | None) -> DomainOutcome:
    beside = {}
    for measure in BESIDE_ACCURACY:
        found = getattr(change, measure)
        if found is not None:
            beside[measure] = Change(
                delta=found.delta,
                se=found.se if found.se is not None else found.item_se or 0.0,
                by_seed=tuple(getattr(one, f"{measure}_delta") for one in change.by_seed),
            )
    return DomainOutcome(
        domain=change.domain,
        n=change.n,
        accuracy_before=change.accuracy_before,
        accuracy=Change(delta=change.delta, se=change.se, by_seed=tuple(one.delta for one in change.by_seed)),
        questions=None if answers is None else _questions(answers),
        **({"logprob": None} | beside),
    )


def _questions(answers: DomainAnswers) -> QuestionChanges:
    before = answers.before.right
    right = [sum(after) for after in zip(*(replies.right for replies in answers.after), strict=True)]
    return QuestionChanges(
        ids_sha256=fingerprint(list(answers.question_ids)),
        right=tuple(after - len(answers.after) * was for after, was in zip(right, before, strict=True)),
    )


def _check(found: Sequence[tuple[Path, Outcome]], post_hoc: bool) -> None:
    records: dict[tuple[str, str], Path] = {}
    runs: dict[tuple[str, str], Path] = {}
    for path, outcome in found:
        if outcome.post_hoc and not post_hoc:
            raise UserError(
                f"{path}: the prediction of {outcome.model} on {outcome.training_set} was made after fine-tuning "
                "started",
                "Leave the run out, or pass --post-hoc to have the comparison say so",
            )
        hashes, names = (outcome.prediction_sha256, outcome.transfer_sha256), (outcome.model, outcome.training_set)
        if hashes in records:
            raise UserError(f"{records[hashes]} and {path} hold the same prediction and transfer", "Give each run once")
        if names in runs:
            raise UserError(
                f"{runs[names]} and {path} are both runs of {outcome.model} on {outcome.training_set}",
                "Give one of them, make one run with several seeds, or see both tunings with `sts-eval beside`",
            )
        records[hashes], runs[names] = path, path
    common = set.intersection(*({domain.domain for domain in outcome.domains} for _, outcome in found))
    if len(common) < FEWEST_DOMAINS:
        raise UserError(
            f"the runs have {len(common)} domains in common, and {FEWEST_DOMAINS} are needed",
            "Compare runs of the same benchmark",
        )
