"""One model's answers to the chosen questions, through `lm_eval.simple_evaluate`, kept for the next time.

The file of an evaluation is named by a hash of all that it depends on: the model and its adapter, the task and its
settings, the questions, the versions. So the untuned model is evaluated once, whatever the number
of training sets and seeds.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, MeasureSettings, ModelSpec
from sts_eval.model.fingerprint import model_fingerprint, weights_sha256
from sts_eval.model.load import default_device, token_counter
from sts_eval.progress import Progress, found, silent
from sts_eval.quiet import no_environment
from sts_eval.records.answers import Evaluation
from sts_eval.records.feature_tuning import FACTS, is_feature_tuning
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable, fingerprint, now
from sts_eval.records.run_folder import evaluation_file
from sts_eval.records.versions import versions
from sts_eval.transfer.lm_eval_samples import answers_from
from sts_eval.transfer.lm_eval_tasks import load_tasks
from sts_eval.transfer.option_measures import with_option_measures
from sts_eval.transfer.pairing import Answer, evaluated
from sts_eval.transfer.scored_questions import choose_questions

DEPENDS_ON = ("torch", "transformers", "peft", "lm-eval")  # packages whose version may change an answer
ROWS_WITHOUT_GPU = "8"
NEARLY = 0.99  # share of the length limit from which an answer counts as cut: tokenising its text again is not exact


@dataclass(frozen=True)
class Tuned:
    """A tuned model."""

    seed: int
    weights: Path  # folder of its adapter, or of the whole model
    whole: bool = False

    def of(self, model: ModelSpec) -> ModelSpec:
        """The untuned model's description with these weights in its place, or attached to it."""
        place = {"id" if self.whole else "adapter": str(self.weights)}
        return ModelSpec.model_validate(model.model_dump() | place)


class Evaluator:
    """Evaluates models on one task and one choice of questions, which is made before any model is loaded.

    The `n_read` questions that the prediction read are left out. The benchmark is that of the prediction if there is
    one; only tasks that ask the questions of any benchmark use it.

    Raises:
        UserError: The task is unknown, or no question is left to score.
    """

    def __init__(
        self,
        settings: MeasureSettings,
        folder: Path,
        prediction: Prediction | None,
        benchmark: BenchmarkSpec | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        benchmark = prediction.experiment.benchmark if prediction else benchmark
        self._tasks, self._manager = load_tasks(settings, benchmark)
        self._selections, self.n_read = choose_questions(settings, self._tasks, prediction)

    def evaluate(self, model: ModelSpec, tuned: Tuned | None = None, progress: Progress = silent) -> Evaluation:
        """Evaluate a model, or read what an earlier evaluation of the same kind found.

        Raises:
            UserError: No adapter, another model's, an unwritable folder, or a task that does not score 0 or 1.
        """
        from accelerate import PartialState

        adapter = None if tuned is None else weights_sha256(tuned.weights)
        key = self._key(model, adapter)
        file = evaluation_file(self._folder, key)
        stage = "answers before fine-tuning" if tuned is None else f"answers after fine-tuning, seed {tuned.seed}"
        if file.is_file():
            found(progress, stage)
            return Evaluation.read(file)
        progress(stage, 0, 1)
        check_writable(file)
        if tuned is not None and not tuned.whole:
            _check_base(model, tuned.weights)
        start = time.perf_counter()
        notes, answers = self._ask(model, tuned)
        if answers is not None:  # the main process
            Evaluation(
                created=now(),
                key=key,
                model=model.id,
                adapter_sha256=adapter,
                task=self._settings.task,
                length_unit="tokens",
                domains=evaluated(answers),
                seconds=round(time.perf_counter() - start, 3),
                notes=notes,
                versions=versions("trl"),
            ).write(file)
        PartialState().wait_for_everyone()
        return Evaluation.read(file)

    def _ask(self, model: ModelSpec, tuned: Tuned | None) -> tuple[tuple[str, ...], list[Answer] | None]:
        """How a model was scored, where not as asked, and its answers; None in processes other than the main one."""
        from lm_eval import simple_evaluate

        settings, chosen = self._settings, self._selections
        longest = settings.max_answer_tokens
        with no_environment():
            lm, attached = self._load(model, tuned)
            results = simple_evaluate(
                model=lm,
                tasks=[self._tasks[name] for name in chosen],
                task_manager=self._manager,
                samples={name: list(selection.indices) for name, selection in chosen.items()},
                num_fewshot=settings.num_fewshot,
                apply_chat_template=settings.chat_template,
                gen_kwargs={"max_gen_toks": longest} if longest else None,
                bootstrap_iters=0,
                log_samples=True,
            )
        unpacked = getattr(lm, "unpacked", None)
        notes = tuple(
            f"{_whose(tuned)}: {what}: {why}"
            for what, why in (("the adapter was attached", attached), ("options were scored one by one", unpacked))
            if why is not None
        )
        if results is None:
            return notes, None
        generates = any(selection.answer_tokens is not None for selection in chosen.values())
        length = token_counter(model) if generates else len
        answers = []
        for name, selection in chosen.items():
            limit = None if selection.answer_tokens is None else int(NEARLY * selection.answer_tokens)
            samples = results["samples"][name]
            own = with_option_measures(answers_from(samples, name, length=length, limit=limit), samples, lm)
            answers += [one._replace(domain=selection.domain or one.domain) for one in own]
        return notes, answers

    def _load(self, model: ModelSpec, tuned: Tuned | None) -> tuple[Any, str | None]:
        """lm-eval's model, and why its adapter is attached where it should be merged."""
        from sts_eval.model.feature_tuning import attach_saved  # loads torch, as the next does
        from sts_eval.transfer.adapter import with_merged_adapter

        settings = self._settings
        selective = tuned is not None and is_feature_tuning(tuned.weights)
        if selective:
            check_runs_features(settings)
        device = default_device() if model.device == "auto" or _is_spread(model) else model.device
        own, more = _model_args(settings, model, tuned), {"batch_size": batch_size(settings, device), "device": device}

        def load() -> Any:
            lm = model_class(settings.backend).create_from_arg_obj(own, more)
            if selective and tuned is not None:
                attach_saved(lm.model, tuned.weights)
            return lm

        try:
            if settings.adapter == "merged" and "peft" in own:
                return with_merged_adapter(load, self._tasks, self._selections)
            return load(), None
        except ModuleNotFoundError as error:
            raise UserError(
                f"the backend {settings.backend!r} needs the package {error.name}", f"pip install {error.name}"
            ) from error

    def _key(self, model: ModelSpec, adapter: str | None) -> str:
        without = {"questions", "max_questions", "seed", "include_path"}  # what they choose is hashed itself
        questions = {
            name: [
                list(one.question_ids),
                list(one.indices),
                one.sha256,
                one.answer_tokens,
                *filter(None, [one.domain]),
            ]
            for name, one in self._selections.items()
        }
        settings = self._settings.model_dump(mode="json", exclude=without)
        installed = {name: version for name, version in versions().items() if name in DEPENDS_ON}
        return fingerprint([model_fingerprint(model), adapter, settings, questions, installed])


def _whose(tuned: Tuned | None) -> str:
    return "the untuned model" if tuned is None else f"the tuned model of seed {tuned.seed}"


def check_runs_features(settings: MeasureSettings) -> None:
    """Check that the backend can run a model that is tuned by features.

    Raises:
        UserError: It cannot.
    """
    if not settings.backend.startswith("hf"):
        raise UserError(
            f"the backend {settings.backend!r} cannot run a model that is tuned by features",
            "Set measure.backend to hf or hf-packed",
        )


def model_class(name: str) -> Any:
    """lm-eval's class of model by its name.

    Raises:
        UserError: There is none, or a package that it needs is missing.
    """
    from lm_eval.api.registry import get_model

    import sts_eval.transfer.packed_lm  # noqa: F401 -- tells lm-eval of the backend hf-packed

    try:
        return get_model(name)
    except ModuleNotFoundError as error:
        raise UserError(f"the backend {name!r} needs the package {error.name}", f"pip install {error.name}") from error
    except ImportError as error:
        raise UserError(f"the backend {name!r} cannot be imported ({error})", "Mend its installation") from error
    except ValueError as error:
        raise UserError(f"lm-eval has no backend {name!r}", "Set measure.backend to hf, hf-packed or vllm") from error


def batch_size(settings: MeasureSettings, device: str) -> str:
    """Rows at once, as lm-eval takes them.

    For `auto`, lm-eval tries 64 copies of the longest request, five times. A GPU that runs out of memory ends this
    search; a CPU computes for hours.
    """
    return ROWS_WITHOUT_GPU if settings.batch_size == "auto" and not device.startswith("cuda") else settings.batch_size


def _model_args(settings: MeasureSettings, model: ModelSpec, tuned: Tuned | None) -> dict[str, Any]:
    """What lm-eval's model class is made with. Both backends take an adapter, by different names."""
    own: dict[str, Any] = {"dtype": model.dtype, "trust_remote_code": model.trust_remote_code, "pretrained": model.id}
    if tuned is not None and tuned.whole:
        own["pretrained"] = str(tuned.weights)
    elif model.revision is not None:
        own["revision"] = model.revision
    if tuned is not None and not tuned.whole and not is_feature_tuning(tuned.weights):
        if settings.backend == "vllm":
            own |= {"lora_local_path": str(tuned.weights), "max_lora_rank": _adapter_config(tuned.weights)["r"]}
        else:
            own["peft"] = str(tuned.weights)
    if settings.backend.startswith("hf") and _is_spread(model):
        own["parallelize"] = True
    return own


def _is_spread(model: ModelSpec) -> bool:
    return model.device.startswith(("balanced", "sequential"))  # over several devices


def _adapter_config(weights: Path) -> dict[str, Any]:
    try:
        name = FACTS if is_feature_tuning(weights) else "adapter_config.json"
        return dict(json.loads((weights / name).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        message = f"{weights} holds no adapter ({type(error).__name__})"
        raise UserError(message, "Give a folder that peft wrote") from error


def _check_base(model: ModelSpec, weights: Path) -> None:
    """Refuse an adapter of another model. Folders are compared by their place."""
    named = str(_adapter_config(weights).get("base_model_name_or_path"))
    places = [Path(name).expanduser() for name in (named, model.id)]
    if named == model.id or (all(place.exists() for place in places) and places[0].samefile(places[1])):
        return
    raise UserError(
        f"the adapter in {weights} was trained on {named}, not on {model.id}",
        "Give that model, or an adapter of this one",
    )
