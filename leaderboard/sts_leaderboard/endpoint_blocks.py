"""Blocks whose named endpoints say what is wrong with their arguments, and leave nothing behind in the server."""

import html
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse
from gradio.block_function import BlockFunction
from gradio.route_utils import FnIndexInferError
from gradio.state_holder import SessionState
from pydantic import ConfigDict, TypeAdapter, ValidationError

from sts_eval.submission.problem import shown

STRICT = ConfigDict(strict=True, str_max_length=200)  # How an endpoint takes values.
CALLS = "/gradio_api/call/"
MOST_UNFETCHED = 256  # Sessions whose answers wait to be fetched; gradio keeps those of 2,000.


class EndpointBlocks(gr.Blocks):
    """As gradio's, which tells nobody what is wrong with an argument and remembers some 0.8 MB of every call."""

    def queue(self, **options: Any) -> gr.Blocks:
        """As gradio's, with fewer answers that nobody fetches: one may have megabytes."""
        super().queue(**options)
        self._queue.pending_messages_per_session.max_size = MOST_UNFETCHED
        return self

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Refuse wrong arguments of a named endpoint.

        Raises:
            gr.Error: One line that names the argument.
        """
        if block_fn.api_visibility == "public" and block_fn.fn is not None:
            problem = argument_problem(block_fn.fn, inputs)
            if problem is not None:
                raise gr.Error(html.escape(problem, quote=False), print_exception=False)
        super().validate_inputs(block_fn, inputs)

    async def process_api(self, *values: Any, **options: Any) -> dict[str, Any]:
        """Answer a call. A session that was made for this call alone, by the call's own name, is forgotten after it."""
        session, called = options.get("session_hash"), options.get("block_fn")
        if isinstance(called, BlockFunction) and called.api_visibility == "public":
            options["root_path"] = None  # of addresses of files, which gradio would look for in the whole answer
        try:
            return await super().process_api(*values, **options)
        finally:
            if session is not None and session == options.get("event_id"):
                self.state_holder.session_data.pop(session, None)
                self.state_holder.time_last_used.pop(session, None)

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[str, Any], state: SessionState | None
    ) -> list[Any]:
        """What an endpoint gives, as it is: it is plain values, so no path in them is taken for a file and opened."""
        if block_fn.api_visibility == "public":
            return [predictions]
        found: list[Any] = await super().postprocess_data(block_fn, predictions, state)
        return found


def argument_problem(endpoint: Callable[..., Any], values: Sequence[Any]) -> str | None:
    """What is wrong with the values of an endpoint's parameters, which are in order; None if nothing is.

    A value has to be of the type that the parameter is annotated with: a number is no text, and 1.0 no whole number.
    """
    parameters = list(inspect.signature(endpoint).parameters.values())
    for parameter, value in zip(parameters, values, strict=False):
        try:
            TypeAdapter(parameter.annotation, config=STRICT).validate_python(value)
        except ValidationError as error:
            why = re.sub("^(Input|String) should", "it should", error.errors()[0]["msg"])
            return f"{parameter.name}: {why}, but it is {shown(value)}"
    if len(values) < len(parameters):
        return f"{parameters[len(values)].name}: it is missing; {_wanted(parameters)}"
    if len(values) > len(parameters):
        return f"{len(values)} arguments are too many; {_wanted(parameters)}"
    return None


async def call_refused(request: Request, error: Exception) -> JSONResponse:
    """Answer a call with an unknown endpoint or argument, for which gradio raises errors of Python's.

    Raises:
        Exception: It is no call of an endpoint, so it is our own mistake.
    """
    if not request.url.path.startswith(CALLS):
        raise error
    if isinstance(error, TypeError):
        return JSONResponse({"error": html.escape(str(error).partition(". Please")[0], quote=False)}, 422)
    return JSONResponse({"error": "there is no such endpoint; view_api of gradio_client lists them"}, 404)


REFUSALS = dict.fromkeys((TypeError, KeyError, FnIndexInferError), call_refused)


def _wanted(parameters: Sequence[inspect.Parameter]) -> str:
    return f"the arguments are {', '.join(one.name for one in parameters)}, in this order"
