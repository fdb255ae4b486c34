"""Questions with options, and what a model is made of, for tests of predictors that look at answers."""

from __future__ import annotations

from typing import Any

import torch

from sts_eval.data.benchmark import Question

QUESTIONS = (
    Question("0", "math", "What is 2 + 2?", ("42", "4", "a third"), 1),
    Question("1", "math", "How many sides has a hexagon, and how many has a square?", ("6 and 4", "2"), 0),
    Question("2", "math", "Double 21.", ("42", "421", "1", "12"), 0),
)


def state(model: Any) -> dict[str, Any]:
    """All that an adapter could leave behind: weights to the bit, modules, flags, and the stream of chance."""
    return {
        "weights": {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()},
        "modules": [(name, id(module), module.training) for name, module in model.named_modules()],
        "trained": {name: (id(parameter), parameter.requires_grad) for name, parameter in model.named_parameters()},
        "gradients": [name for name, parameter in model.named_parameters() if parameter.grad is not None],
        "attributes": sorted(vars(model)),
        "hooks": sum(len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()),
        "chance": torch.get_rng_state().numpy().tobytes(),
    }
