"""The page itself, without what it shows: the same for every visitor, so it is made once and sent compressed."""

import gzip
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# It holds the address under which the board was reached, which anybody may write into a request.
ADDRESS = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
MOST_ADDRESSES = 16
PERSONAL = ("deep_link", "access-token")  # In a query or a cookie: the page is not that of everybody.


class PageCache:
    """An ASGI application whose page is kept; gradio copies all its components, and renders them, at every visit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, ...], Response] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; of the page from memory where it is there."""
        if not _is_page(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        key = (str(request.base_url), *(request.headers.get(name, "") for name in ADDRESS))
        if key not in self._kept:
            made = await _answer_of(self._app, scope, receive)
            if made.status_code != 200 or "set-cookie" in made.headers:  # noqa: PLR2004 - OK
                await made(scope, receive, send)
                return
            self._kept[key] = _compressed(made)
            while len(self._kept) > MOST_ADDRESSES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        await self._kept[key](scope, receive, send)


def _is_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
        return False
    headers = Headers(scope=scope)
    asked = scope["query_string"].decode("latin-1") + headers.get("cookie", "")
    return "gzip" in headers.get("accept-encoding", "") and not any(sign in asked for sign in PERSONAL)


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """What an application answers, whole."""
    made = Response()
    body = b""

    async def keep(message: Message) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            made.status_code, made.raw_headers = message["status"], list(message["headers"])
        else:
            body += message.get("body", b"")

    await app(scope, receive, keep)
    made.body = body
    return made


def _compressed(made: Response) -> Response:
    if "content-encoding" in made.headers:
        return made
    made.body = gzip.compress(bytes(made.body))
    headers = MutableHeaders(raw=made.raw_headers)
    headers.update({"content-encoding": "gzip", "content-length": str(len(made.body)), "vary": "accept-encoding"})
    made.raw_headers = headers.raw
    return made
