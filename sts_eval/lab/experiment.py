"""The lab's experiment: its model, SAE, benchmark and one of its training sets, with dials of its size."""

from sts_eval import experiment
from sts_eval.lab import benchmark_path, model_path, sae_path, sft_path


def lab_experiment(training_set: str) -> experiment.Run:
    """A whole run on the lab with one of its training sets.

    Raises:
        UserError: There is no set of that name.
    """
    return experiment.Run(
        model=experiment.ModelSpec(id=str(model_path()), dtype="float32"),
        sae=experiment.SAESpec(path=str(sae_path())),
        training_set=experiment.TrainingSetSpec(source=str(sft_path(training_set))),
        benchmark=experiment.BenchmarkSpec(source=str(benchmark_path())),
        # Each of the three seeds reads this much.
        settings=experiment.PredictSettings(shift_tokens=2000, domain_tokens=1400),
        # Hard enough that accuracies move by more than their noise: at 2e-3 with alpha 32 they hardly did. Two seeds,
        # which two cores tune side by side.
        tune=experiment.TuneSettings(
            max_steps=160, batch=16, per_device_batch=16, learning_rate=5e-3, alpha=64, seeds=(0, 1)
        ),
        measure=experiment.MeasureSettings(task="lab_mmlupro", batch_size="128", max_questions=200),
    )
