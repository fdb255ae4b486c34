"""An OpenAI-compatible address, served in a thread."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sts_eval.errors import UserError
from sts_eval.judge.chat import KEY, remote_chat

GOOD = json.dumps({"choices": [{"message": {"content": "a court"}}]})


class Server:
    """Answers each request with the next of some (status, body), the last one for ever."""

    def __init__(self, answers):
        self.asked = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                served.asked.append((self.path, self.headers.get("Authorization"), json.loads(body)))
                status, text = answers[min(len(served.asked), len(answers)) - 1]
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", text)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve():
    servers = []

    def start(*answers):
        servers.append(Server(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def test_what_is_asked_and_answered(serve, monkeypatch):
    monkeypatch.setenv(KEY, "secret")
    server = serve((200, GOOD))
    assert remote_chat(server.address + "/", "judge-1")("What is it?") == "a court"
    ((path, key, body),) = server.asked
    assert (path, key) == ("/v1/chat/completions", "Bearer secret")
    assert body["model"] == "judge-1"
    assert body["messages"] == [{"role": "user", "content": "What is it?"}]
    assert body["temperature"] == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "a "}, {"type": "image"}, {"type": "text", "text": "court"}], "a court"),
        (None, ""),
        ([], ""),
    ],
)
def test_an_answer_in_parts_and_none(serve, content, text):
    server = serve((200, json.dumps({"choices": [{"message": {"content": content}}]})))
    assert remote_chat(server.address, "m")("?") == text


@pytest.mark.parametrize("content", [5, {"text": "a"}, ["a"], [{"type": "text"}]])
def test_an_answer_that_is_no_text(serve, content):
    server = serve((200, json.dumps({"choices": [{"message": {"content": content}}]})))
    with pytest.raises(UserError, match="does not answer as an OpenAI-compatible address does"):
        remote_chat(server.address, "m")("?")


def test_without_a_key_none_is_sent(serve, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    server = serve((200, GOOD))
    remote_chat(server.address, "m")("?")
    assert server.asked[0][1] is None


def test_a_busy_address_is_asked_again(serve):
    server = serve((503, ""), (429, ""), (200, GOOD))
    assert remote_chat(server.address, "m", wait=0)("?") == "a court"
    assert len(server.asked) == 3


def test_an_address_that_stays_busy_is_an_error(serve):
    server = serve((503, ""))
    with pytest.raises(UserError, match="status 503"):
        remote_chat(server.address, "m", wait=0)("?")
    assert len(server.asked) == 3


def test_a_redirection_is_not_followed_so_that_the_key_stays(serve, monkeypatch):
    monkeypatch.setenv(KEY, "secret")
    other = serve((200, GOOD))
    server = serve((307, other.address + "/chat/completions"))
    with pytest.raises(UserError, match="status 307"):
        remote_chat(server.address, "m")("?")
    assert other.asked == []


@pytest.mark.parametrize("body", ["no JSON", "{}", '{"choices": []}', '{"choices": [{"message": null}]}', "[1]"])
def test_an_answer_of_another_form_is_an_error(serve, body):
    with pytest.raises(UserError, match="OpenAI-compatible"):
        remote_chat(serve((200, body)).address, "m")("?")


def test_a_wrong_key_is_named(serve):
    with pytest.raises(UserError, match=f"status 401.*{KEY}"):
        remote_chat(serve((401, "")).address, "m")("?")


def test_nobody_there():
    with pytest.raises(UserError, match="cannot be reached"):
        remote_chat("http://127.0.0.1:9/v1", "m")("?")


def test_only_http():
    with pytest.raises(UserError, match="no address of http"):
        remote_chat("file:///etc", "m")
