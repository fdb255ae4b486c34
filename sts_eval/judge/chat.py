"""Asking a chat model: one on this machine through transformers, or one behind an OpenAI-compatible address."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import torch

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec
from sts_eval.model.load import load_model, load_tokenizer

Ask = Callable[[str], str]
"""From a prompt to the model's answer."""

KEY = "OPENAI_API_KEY"  # the environment variable
ANSWER_TOKENS = 48
TIMEOUT = 120.0  # seconds until an address has to answer
TRIES = 3  # where an address is busy
BUSY = (429, 500, 502, 503, 504)
LONGEST_ANSWER = 1_000_000  # bytes


def local_chat(spec: ModelSpec) -> Ask:
    """A model from a folder or the hub, which answers with the likeliest tokens.

    It is asked in its chat template, or in plain text where it has none. Of a prompt that exceeds its context the end
    is kept.

    Raises:
        UserError: There is no such model.
    """
    from transformers import GenerationConfig

    model, tokenizer = load_model(spec), load_tokenizer(spec)
    stops = model.generation_config.eos_token_id
    settings = GenerationConfig(  # type: ignore[no-untyped-call]  # transformers' own
        do_sample=False, max_new_tokens=ANSWER_TOKENS, eos_token_id=stops, pad_token_id=tokenizer.eos_token_id or 0
    )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 4096

    @torch.inference_mode()
    def ask(prompt: str) -> str:
        text = prompt
        if tokenizer.chat_template:
            messages = [{"role": "user", "content": prompt}]
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=not tokenizer.chat_template).input_ids[-(context - ANSWER_TOKENS) :]
        given = torch.tensor([ids], device=model.device)
        found = model.generate(given, attention_mask=torch.ones_like(given), generation_config=settings)
        answer: str = tokenizer.decode(found[0, len(ids) :], skip_special_tokens=True)
        return answer

    return ask


def remote_chat(address: str, model: str, *, wait: float = 2.0) -> Ask:
    """A model behind an address such as http://localhost:8000/v1, whose `/chat/completions` is asked.

    The key is that of the environment variable OPENAI_API_KEY, if it is set. A busy address is asked again, after
    `wait` seconds at first. Redirections are not followed, so that the key goes nowhere else.

    Raises:
        UserError: The address is none of http or https; later, it cannot be reached, refuses, or answers otherwise.
    """
    if not address.startswith(("http://", "https://")):
        raise UserError(f"{address} is no address of http or https", "Give one such as http://localhost:8000/v1")
    url = f"{address.rstrip('/')}/chat/completions"
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {key}"
    opener = urllib.request.build_opener(_NoRedirect)

    def ask(prompt: str) -> str:
        asked = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS,
        }
        request = urllib.request.Request(url, json.dumps(asked).encode(), headers)  # noqa: S310 -- checked above
        for tried in range(1, TRIES + 1):
            try:
                with opener.open(request, timeout=TIMEOUT) as response:
                    return _content(response.read(LONGEST_ANSWER), url)
            except urllib.error.HTTPError as error:
                if error.code not in BUSY or tried == TRIES:
                    remedy = (
                        f"Set {KEY} to a valid key" if error.code in (401, 403) else "Check --judge and --judge-model"
                    )
                    raise UserError(f"{url} refuses with status {error.code} ({error.reason})", remedy) from error
            except (OSError, http.client.HTTPException) as error:
                raise UserError(
                    f"{url} cannot be reached ({getattr(error, 'reason', None) or error})",
                    "Check --judge, and that it is served",
                ) from error
            time.sleep(wait * 2 ** (tried - 1))
        raise AssertionError("the last try returns or raises")

    return ask


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _content(raw: bytes, url: str) -> str:
    """The text of the first choice.

    Raises:
        UserError: The answer has none.
    """
    try:
        message: Mapping[str, Any] = json.loads(raw)["choices"][0]["message"]
        content = message["content"]
        if isinstance(content, list):  # parts, as newer servers answer
            content = "".join(str(part["text"] or "") for part in content if part["type"] == "text")
        if not isinstance(content, str | None):
            raise TypeError("the content is no text")
        return content or ""
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"{url} does not answer as an OpenAI-compatible address does", "Give the address up to /v1"
        ) from error
