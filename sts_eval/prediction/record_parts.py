"""The parts of a prediction record: model, SAE, shifts, questions, and the features behind the scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.benchmark import Domain
from sts_eval.experiment import Experiment
from sts_eval.model import known_saes as known
from sts_eval.model.hook import unwrapped
from sts_eval.prediction.outliers import Decode, largest_questions, sink_counts
from sts_eval.records.meaning import Meanings
from sts_eval.records.prediction import (
    DomainQuestions,
    FeatureReason,
    ModelIdentity,
    OwnAnswers,
    SAEIdentity,
    SeedShift,
)
from sts_eval.study.extractor import Extractor
from sts_eval.study.on_policy import OwnDemonstrations
from sts_eval.study.question_scores import DomainReading
from sts_eval.study.shifted_features import Shift

EXPLAINED = 10


def model_identity(extractor: Extractor, experiment: Experiment) -> ModelIdentity:
    """The model as it was read."""
    model = unwrapped(extractor.reader.model)
    config = model.config.get_text_config()
    return ModelIdentity(
        id=experiment.model.id,
        commit=getattr(model.config, "_commit_hash", None),
        architecture=type(model).__name__,
        dtype=str(model.dtype).removeprefix("torch."),
        d_model=config.hidden_size,
        n_layers=config.num_hidden_layers,
        tokenizer_sha256=extractor.prompter.sha256(),
        chat_template=extractor.prompter.chat,
        context=extractor.context,
    )


def sae_identity(extractor: Extractor) -> SAEIdentity:
    """The SAE as it was read."""
    sae = extractor.autoencoder
    same = ("release", "id", "path", "architecture", "d_in", "d_sae", "neuronpedia_id")
    named = {name: getattr(sae, name) for name in same}
    hook = extractor.reader.hook
    return SAEIdentity(**named, hook_name=hook.name, layer=hook.layer, weights_sha256=sae.weights_sha256())


def seed_shift(shift: Shift, decode: Decode, own: OwnDemonstrations | None) -> SeedShift:
    """The shifted features of a seed, with the model's own answers where these were demonstrated."""
    moved = shift.score[list(shift.features)]
    total = float(shift.score.sum())
    same = ("seed", "features", "demonstrations", "questions", "n_questions", "n_tokens", "seen", "prompts_sha256")
    return SeedShift(
        **{name: getattr(shift, name) for name in same},
        own=OwnAnswers(texts=tuple(own.answers.values()), sampled=own.sampled, accepted=own.accepted) if own else None,
        sinks=sink_counts(shift.sinks, decode),
        shift=tuple(float(value) for value in moved),
        share_of_total=float(moved.sum()) / total if total > 0 else 0.0,
    )


def domain_questions(domain: Domain, reading: DomainReading, decode: Decode) -> DomainQuestions:
    """The questions of a domain that were read, and what carries its scores."""
    shown = domain.demonstration_ids or tuple(map(str, range(len(domain.demonstrations))))
    positions = sorted({position for taken in reading.questions.values() for position in taken})
    return DomainQuestions(
        domain=domain.name,
        n_questions=len(positions),
        n_tokens=reading.n_tokens,
        prompts_sha256=reading.prompts_sha256,
        question_ids=tuple(domain.questions[position].id for position in positions),
        demonstration_ids=tuple(tuple(shown[position] for position in own) for own in reading.demonstrations),
        seen=reading.seen,
        sinks=sink_counts(reading.sinks, decode),
        largest=largest_questions(domain, reading, decode),
    )


def reasons(
    extractor: Extractor, shift: Shift, readings: Sequence[DomainReading], meanings: Meanings | None
) -> tuple[FeatureReason, ...]:
    """Of the most shifted features, and of those that are most particular to the training set."""
    particular = [one.feature for one in meanings.kept[:EXPLAINED]] if meanings else []
    place = {feature: rank for rank, feature in enumerate(shift.features)}
    return tuple(
        FeatureReason(
            feature=feature,
            shift=float(shift.score[feature]),
            neuronpedia=known.neuronpedia_url(extractor.autoencoder.neuronpedia_id, feature),
            share_of_act={reading.domain: _share(reading.act_by_feature, place[feature]) for reading in readings},
            share_of_icl={reading.domain: _share(reading.icl_by_feature, place[feature]) for reading in readings},
        )
        for feature in dict.fromkeys([*shift.features[:EXPLAINED], *particular])
    )


def _share(parts: NDArray[np.float64], rank: int) -> float:
    total = float(parts.sum())
    return float(parts[rank] / total) if total > 0 else 0.0
