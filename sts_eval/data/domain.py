"""What a benchmark is once it is read: questions and worked examples by domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sts_eval.data.example import Example
from sts_eval.data.question import OPTIONS
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import fingerprint


@dataclass(frozen=True)
class Question:
    """One question of a domain.

    Attributes:
        id: The benchmark's own id of the question, or its number from 0 where it has none.
        domain: Its category.
        text: What the user turn says, options included where the benchmark lists them.
        choices: What an answer may say: a letter for each listed option, or the options' own texts. Only
            predictors that need labels read them.
        right: Position of the right choice; None where the row does not tell.
        asked: The question without its options, where `text` does not list them below a line "Options:".
    """

    id: str
    domain: str
    text: str
    choices: tuple[str, ...] = ()
    right: int | None = None
    asked: str = ""

    @property
    def without_options(self) -> str:
        """What is asked, without the options."""
        return self.asked or self.text.partition(OPTIONS)[0]


@dataclass(frozen=True)
class Domain:
    """A category: its scored questions and the worked examples that may demonstrate it."""

    name: str
    questions: Sequence[Question]
    demonstrations: Sequence[Example]
    demonstration_ids: Sequence[str] = ()  # the benchmark's own; empty where they are not known


@dataclass(frozen=True)
class Benchmark:
    """Domains by name, and where they came from.

    Attributes:
        source: Name, hub id, folder, or task or group of lm-eval.
        revision: Hub commit, None where there is none or several.
        domains: The domains.
        sha256: Fingerprint of the questions and demonstrations.
        warnings: What the user should know about how the rows were read.
        left_out: How many rows of the test split cannot be read.
        version: Versions of lm-eval's tasks; empty for files.
    """

    source: str
    revision: str | None
    domains: Mapping[str, Domain]
    sha256: str
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    version: str = ""

    def identity(self) -> DataIdentity:
        """The benchmark as records name it."""
        rows = sum(len(domain.questions) for domain in self.domains.values())
        return DataIdentity(
            source=self.source,
            revision=self.revision,
            rows=rows,
            sha256=self.sha256,
            left_out=self.left_out,
            version=self.version,
        )


def assemble(
    spec: BenchmarkSpec,
    questions: Mapping[str, Sequence[Question]],
    demonstrations: Mapping[str, Sequence[Example]],
    demonstration_ids: Mapping[str, Sequence[str]],
    *,
    revision: str | None,
    warnings: tuple[str, ...],
    left_out: int,
    version: str = "",
) -> Benchmark:
    """A benchmark of the wanted domains, or of all in alphabetical order.

    Raises:
        UserError: A wanted domain has no questions or no demonstrations.
    """
    names = list(spec.domains) or sorted(questions)
    for name in names:
        if not questions.get(name):
            raise UserError(
                f"{spec.source} has no questions in domain {name!r}",
                f"Choose among {', '.join(sorted(questions))}",
            )
        if not demonstrations.get(name):
            raise UserError(
                f"{spec.source} has no demonstrations for domain {name!r} in its validation split",
                "Add worked examples of that category to the validation file",
            )
    domains = {
        name: Domain(name, questions[name], demonstrations[name], demonstration_ids.get(name, ())) for name in names
    }
    content = [[[q.id, q.text] for q in d.questions] + [list(e) for e in d.demonstrations] for d in domains.values()]
    return Benchmark(spec.source, revision, domains, fingerprint(content), warnings, left_out, version)
