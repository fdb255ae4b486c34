"""The record of a fine-tuning: what was trained, and whether there was anything to predict."""

from typing import Literal

from pydantic import Field

from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import Part, Record, absent, is_empty


class PredictionReference(Record):
    """The prediction that a tuning follows: its hash and its time, taken before training started."""

    prediction_sha256: str
    created: str = Field(description="UTC, ISO 8601")


class Contamination(Record):
    """Training rows that contain a question of the benchmark.

    Where a tuning serves several benchmarks, as in a sweep, the record in each run is about the benchmark of that run.
    """

    benchmark: str = Field(default="", description="its source; empty in older records", exclude_if=is_empty)
    rows: tuple[int, ...] = Field(description="row numbers in the training set, from 0")
    question_ids: tuple[str, ...] = Field(description="the question that each of these rows contains")
    checked: int = Field(description="benchmark questions that were looked for; 0 if none were")


class Reinforcement(Part):
    """What reinforcement learning did, by answers that were sampled to the held-out rows at its own temperature.

    Standard errors are over rows; None for a single row.
    """

    answers: int = Field(description="sampled to each held-out row, before and after")
    reward_before: float = Field(description="mean over held-out rows, of the untuned model")
    reward_after: float
    reward_change_se: float | None = Field(description="of the change, paired by row")
    solutions_reward: float = Field(description="what the reward gives the held-out rows' own solutions, mean")
    kl: float = Field(description="KL(tuned ‖ untuned) of the next token in the tuned model's answers, nats per token")
    kl_se: float | None
    cut_before: float = Field(description="share of the answers that ran into max_completion_tokens")
    cut_after: float
    cut_training: float = Field(description="the same of the answers in training")
    reward_first: float = Field(description="mean over the first twentieth of the steps")
    reward_last: float = Field(description="mean over the last twentieth")
    silent: float = Field(description="share of the groups whose answers all had one reward, which teach nothing")

    @property
    def reward_change(self) -> float:
        """Of the mean reward of held-out rows."""
        return self.reward_after - self.reward_before


class SeedTraining(Record):
    """One training run."""

    seed: int
    folder: str = Field(description="where its weights are, below the folder of the tuning")
    weights_sha256: str
    started: str
    finished: str
    seconds: float
    steps: int
    n_rows: int
    n_held_out: int
    cut_rows: int = Field(description="rows that were longer than max_tokens and lost tokens on the left")
    per_device_batch: int = Field(description="what it ended with; halved when memory ran out")
    accumulation: int
    processes: int
    train_loss_first: float = Field(
        description="over the first twentieth of the steps, nats per solution token; of GRPO its own loss"
    )
    train_loss_last: float = Field(description="over the last twentieth of the steps")
    loss_before: float = Field(description="on held-out rows of the training set, nats per solution token")
    loss_after: float
    changed: bool = Field(
        description="whether the held-out loss moved by at least one per cent; of GRPO, whether the reward of held-out "
        "rows moved by more than 1.96 standard errors, or the divergence is at least 0.01 nats per token"
    )
    reinforcement: Reinforcement | None = Field(
        default=None, description="None for other methods than grpo", exclude_if=absent
    )
    device: str = Field(description="what it ran on")
    versions: dict[str, str]


class Tuning(Record):
    """All seeds of a fine-tuning."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    started: str = Field(description="before the first step of the first seed")
    prediction: PredictionReference | None = Field(description="None where nothing was predicted first")
    model: ModelSpec
    commit: str | None = Field(description="hub commit of the model, None for a folder")
    tokenizer_sha256: str = Field(default="", description="of the serialised tokenizer", exclude_if=is_empty)
    training_set: DataIdentity
    settings: TuneSettings
    chat_template: bool = Field(description="whether rows were rendered as chat turns")
    contamination: Contamination
    runs: tuple[SeedTraining, ...]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether every seed changed something; where not, there was nothing to predict."""
        return all(run.changed for run in self.runs)
