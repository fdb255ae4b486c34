"""Limits of what a request may send: how much, and how slowly."""

import asyncio
import contextlib

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sts_eval.submission.read_json import MOST_BYTES

MOST_REQUEST_BYTES = 2 * MOST_BYTES  # The largest file as a text in JSON, where each quote takes two.
MOST_SECONDS = 120.0  # Until all of it has come.


class RequestLimits:
    """An ASGI application behind another's limits: what is too large is refused unread, what is too slow is cut off."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_REQUEST_BYTES, most_seconds: float = MOST_SECONDS) -> None:
        self._app, self._most_bytes, self._most_seconds = app, most_bytes, most_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; 413 where its body is too large, 408 where it is too slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _declared(scope) > self._most_bytes and self._too_large()
        taken, over, ended = 0, asyncio.get_running_loop().time() + self._most_seconds, False

        async def limited() -> Message:
            nonlocal refusal, taken, ended
            if ended:  # what is left to come is that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), over - asyncio.get_running_loop().time())
            except TimeoutError as error:
                said = f"the request took more than {self._most_seconds:g} seconds to come; send it again"
                refusal = JSONResponse({"error": said}, 408)
                raise _RefusedError from error
            taken += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if taken > self._most_bytes:
                refusal = self._too_large()
                raise _RefusedError
            return message

        async def answer(message: Message) -> None:
            if not refusal:  # what others make of the refusal is not told
                await send(message)

        if not refusal:
            with contextlib.suppress(_RefusedError):
                await self._app(scope, limited, answer)
        if refusal:
            refusal.headers["connection"] = "close"  # the rest is not read
            await refusal(scope, receive, send)

    def _too_large(self) -> JSONResponse:
        return JSONResponse({"error": f"a request may have {self._most_bytes:,} bytes; send less"}, 413)


class _RefusedError(Exception):
    pass


def _declared(scope: Scope) -> int:
    """The length that the request says it has; 0 where it says none."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0
