"""What the leaderboard starts with: real models, the lab matrix, changes that were imported, the paper's figures.

    python benchmarks/board_seeds.py --real SWEEP ...
    python benchmarks/board_seeds.py --shared SHARED
    python benchmarks/board_seeds.py --again
    python benchmarks/board_seeds.py --comparisons

`--real` hands in the finished runs of real_matrix.yaml with their records. `--shared` makes all others anew: it reads
benchmarks/results/lab_matrix.jsonl, and from SHARED (see tests/conftest.py) `transfer/`, `sft/`, `mmlu_pro/` and
`paper.json`. Both write a store to leaderboard/sts_leaderboard/seeds/store, and beside it the comparisons that the page
shows first, which `--comparisons` alone makes again of the store that is there: after a change of the figures or of
the version, which the tests notice. `--again` hands the submissions of the store that is there in anew, as they are:
after a change of what a store keeps beside them. Whoever runs this is the store's maintainer, by their own secret. The
three kinds never rank together:

- measured: real models with their records; the lab in short (its records name folders of the machine that made them)
- imported: two public post-trainings on MMLU-Pro, with the lexical predictors, GSM8K standing in for Mathstral's data
- published: the changes in the paper's tables 2 to 4, which come without errors
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab_evidence import MATRIX
from lab_matrix import MODELS

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.lab.sae import MODEL_NAME
from sts_eval.predictors.registry import select
from sts_eval.records.ledger import StoreSettings
from sts_eval.records.outcome import Change, DomainOutcome, Outcome, read_outcomes
from sts_eval.records.prediction import PredictorScores, Score
from sts_eval.records.record import now
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import ModelDescription, Origin, Provenance, SAEDescription, SetDescription, Submission
from sts_eval.records.transfer import Transfer
from sts_eval.store.comparisons import FOLDER, Comparisons
from sts_eval.store.files import Files
from sts_eval.store.store import Store
from sts_eval.study.study import Study, Texts
from sts_eval.submission.describe import submission_of
from sts_eval.submission.owner import config_folder, own_secret, owner_of
from sts_eval.transfer.import_results import import_transfer

SEEDS = Path(__file__).resolve().parent.parent / "leaderboard" / "sts_leaderboard" / "seeds" / "store"
COMPARISONS = SEEDS.parent / FOLDER
SUBMITTER = "sts-eval"
BENCHMARK = "lab_mmlupro"  # compared where none is chosen
PAPER = "https://arxiv.org/abs/2603.02908"
OUTPUTS = "https://github.com/TIGER-AI-Lab/MMLU-Pro"

IMPORTED = {
    "mistral-7b-v0.1__mathstral-7b.parquet": ("Mistral-7B-v0.1", "Mistral", "Mathstral", "gsm8k_817.jsonl"),
    "llama-3.1-8b__instruct.parquet": ("Llama-3.1-8B", "Llama", "Llama-3.1-Instruct", None),
}
"""Model, family, name of what it was tuned on, and the set that stands in for it where one can."""


def main() -> None:
    """Make the store anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--shared", type=Path)
    source.add_argument("--real", type=Path, nargs="+", metavar="SWEEP", help="hand in the finished runs of sweeps")
    source.add_argument("--again", action="store_true", help="hand in anew what is there")
    source.add_argument("--comparisons", action="store_true", help="make the comparisons of the store that is there")
    arguments = parser.parse_args()
    there = () if arguments.comparisons else Store(str(SEEDS)).read_all(Store(str(SEEDS)).board().runs["sha256"])
    if arguments.shared:
        shared = arguments.shared
        kept = (one for one in there if one.transfer is not None)
        fill((*kept, *measured(), *imported(shared), *published(shared)))
    elif arguments.real:
        made = {_asked(one): one for one in real(arguments.real)}
        fill((*made.values(), *(one for one in there if _asked(one) not in made)))
    elif arguments.again:
        fill(there)
    print(f"{compared()} comparisons")


def _asked(submission: Submission) -> tuple[str, str, str]:
    """What a run was of: a run of the same is replaced by a later one."""
    return submission.model.id, submission.training_set.id, submission.benchmark


def fill(submissions: Sequence[Submission]) -> None:
    """Make the store."""
    if SEEDS.exists():
        shutil.rmtree(SEEDS)
    store = Store(str(SEEDS))
    owner = owner_of(own_secret(config_folder()))
    store.configure(StoreSettings(benchmark=BENCHMARK, maintainers=(owner,)))
    for one in submissions:
        receipt = store.submit(one.canonical().encode(), by=SUBMITTER, owner=owner)
        if not receipt.accepted:
            raise SystemExit("\n".join(f"{problem.path}: {problem.message}" for problem in receipt.problems))
    board = store.board()
    print(board.runs["origin"].value_counts().to_string())


def compared() -> int:
    """Make what the page shows before anything is chosen, for each origin that allows it. How many there are."""
    from sts_leaderboard.board_cache import compare
    from sts_leaderboard.pages.predictors import DEFAULTS
    from sts_leaderboard.run_selection import worlds

    if COMPARISONS.exists():
        shutil.rmtree(COMPARISONS)
    store, kept = Store(str(SEEDS)), Comparisons(Files(str(SEEDS.parent)))
    board = store.board()
    for origin in ("measured", "imported", "published"):
        for chosen in worlds(board, {**DEFAULTS, "origin": origin}).values():
            with contextlib.suppress(UserError):  # nothing was predicted
                kept.keep(chosen.shas, compare([one.outcome for one in store.read_all(chosen.shas)]))
    return len(list(COMPARISONS.iterdir()))


def real(sweeps: Sequence[Path]) -> Iterator[Submission]:
    """The finished runs of real models, with their records."""
    for folder in (one for sweep in sweeps for one in sorted((sweep / "runs").iterdir())):
        if RunFolder.of(folder).report.is_file():
            yield submission_of(folder, submitter=SUBMITTER)


def measured() -> Iterator[Submission]:
    """The lab's runs."""
    for outcome in read_outcomes(MATRIX):
        recipe = MODELS[outcome.model]
        yield _submission(
            "measured",
            outcome.model_copy(update={"model": f"{MODEL_NAME}-{outcome.model}"}),
            family="STS lab",
            sae=SAEDescription(
                release=None,
                id=None,
                architecture="topk",
                d_sae=recipe.sae.d_sae,
                layer=recipe.sae.layer,
                hook_name=f"blocks.{recipe.sae.layer}.hook_resid_post",
                neuronpedia_id=None,
            ),
            benchmark=BENCHMARK,
            command=f"python benchmarks/lab_matrix.py FOLDER --models {outcome.model} --sets {outcome.training_set}",
        )


def imported(shared: Path) -> Iterator[Submission]:
    """Real post-trainings, imported."""
    for file, (model, family, tuned_on, stand_in) in IMPORTED.items():
        path = shared / "transfer" / file
        transfer = import_transfer("table", [path])
        predictors = _lexical(shared, stand_in, transfer) if stand_in else ()
        outcome = Outcome(
            model=model,
            training_set=tuned_on,
            home=("math",) if stand_in else (),
            created=transfer.created,
            prediction_sha256="",
            transfer_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            post_hoc=True,
            seeds=transfer.seeds,
            domains=tuple(
                DomainOutcome(
                    domain=change.domain,
                    n=change.n,
                    accuracy_before=change.accuracy_before,
                    accuracy=Change(delta=change.delta, se=change.se, by_seed=(change.delta,)),
                    logprob=None,
                )
                for change in transfer.domains
            ),
            predictors=predictors,
            tuning_seconds=None,
        )
        yield _submission("imported", outcome, family=family, sae=None, benchmark="mmlu_pro", url=OUTPUTS, command=None)


def published(shared: Path) -> Iterator[Submission]:
    """The paper's changes, with MMLU-Pro's numbers of questions."""
    tables = json.loads((shared / "paper.json").read_text(encoding="utf-8"))
    changes = tables["performance_change_after_sft_on_limo_pp"]
    sizes = {
        one.domain: one.n for one in import_transfer("table", [shared / "transfer" / next(iter(IMPORTED))]).domains
    }
    for model, by_domain in changes.items():
        if model.startswith("_"):
            continue
        outcome = Outcome(
            model=model.rpartition("/")[2],
            training_set="LIMO",
            home=("math",),
            created=now(),
            prediction_sha256="",
            transfer_sha256="",
            post_hoc=True,
            seeds=(),
            domains=tuple(
                DomainOutcome(
                    domain=domain,
                    n=sizes[domain],
                    accuracy_before=None,
                    accuracy=Change(delta=delta, se=0.0, by_seed=()),
                    logprob=None,
                )
                for domain, delta in by_domain.items()
            ),
            predictors=(),
            tuning_seconds=None,
        )
        family = model.rpartition("/")[2].partition("-")[0].rstrip("0123456789.")
        yield _submission("published", outcome, family=family, sae=None, benchmark="mmlu_pro", url=PAPER, command=None)


def _lexical(shared: Path, file: str, transfer: Transfer) -> tuple[PredictorScores, ...]:
    data = load_training_set(TrainingSetSpec(source=str(shared / "sft" / file)))
    domains = load_benchmark(BenchmarkSpec(source=str(shared / "mmlu_pro"))).domains
    names: Sequence[str] = [change.domain for change in transfer.domains]
    study = Study(Texts(data.examples, {name: [one.text for one in domains[name].questions] for name in names}))
    return tuple(
        PredictorScores(
            name=one.name,
            group=one.group,
            flags=tuple(one.flags),
            summary=f"{one.summary} ({data.source.rpartition('/')[2]} stands in for the training set)",
            scores={name: Score(value=value) for name, value in one(study).items()},
            seeds=(),
            cost=None,
        )
        for one in select(["lexical"])
    )


def _submission(
    origin: Origin,
    outcome: Outcome,
    *,
    family: str,
    sae: SAEDescription | None,
    benchmark: str,
    command: str | None,
    url: str | None = None,
) -> Submission:
    return Submission(
        schema_version=2,
        origin=origin,
        submitter=SUBMITTER,
        created=now(),
        model=ModelDescription(id=outcome.model, revision=None, family=family, parameters=None),
        sae=sae,
        training_set=SetDescription(id=outcome.training_set, revision=None, rows=None),
        benchmark=benchmark,
        provenance=Provenance(
            versions={"sts-eval": importlib.metadata.version("sts-eval")}, hardware=None, command=command, url=url
        ),
        outcome=outcome,
        prediction=None,
        transfer=None,
    )


if __name__ == "__main__":
    main()
