"""What a visit is sent: a page that is kept by the address under which it was asked for, and no more than is seen."""

import time

import httpx
import pytest
from helpers.board import fill
from helpers.visitor import Visitor

from sts_eval.store.store import Store
from sts_leaderboard.page import component_value
from sts_leaderboard.pages import predictors


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    made = Store(str(tmp_path_factory.mktemp("store")))
    fill(made)
    return serve(made)


def page(address, query="", **headers):
    answer = httpx.get(address + query, headers=headers, timeout=600)
    assert answer.status_code == 200
    return answer


def test_what_is_kept_is_what_is_made(address):
    made = page(address, **{"accept-encoding": "identity"})
    kept = [page(address, query) for query in ("", "?tab=run&run=abc", "")]
    assert "content-encoding" not in made.headers
    for one in kept:
        assert one.headers["content-encoding"] == "gzip"
        assert one.content == made.content
        assert int(one.headers["content-length"]) < len(made.content) / 5


def test_an_address_that_somebody_writes_into_a_request_is_given_to_nobody_else(address):
    evil = page(address, **{"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"})
    assert b"https://evil.example" in evil.content
    assert b"evil.example" not in page(address).content
    host = page(address, host="other.example")
    assert b"other.example" in host.content
    assert b"other.example" not in page(address).content


def test_many_addresses_are_not_all_kept_and_the_page_still_comes(address):
    for number in range(40):
        assert f"n{number}.example".encode() in page(address, host=f"n{number}.example").content
    assert page(address).content == page(address, **{"accept-encoding": "identity"}).content


def test_who_is_signed_in_or_follows_a_link_of_his_own_gets_no_kept_page(address):
    page(address)
    assert "content-encoding" not in page(address, cookie="access-token-1=x").headers
    assert "content-encoding" not in page(address, "?deep_link=x").headers


def test_every_predictor_is_sent_only_where_it_is_asked_for(address):
    """They are nine tenths of what the front page had to send."""
    visitor, sent = Visitor(address), {}
    for more in (False, True):
        values = ["", *map(component_value, {**predictors.DEFAULTS, "more": more}.values())]
        sent[more] = visitor.send(predictors.MORE, "input", values)
        while "Does STS work?" not in str(sent[more]["answers"]):  # until the runs are compared
            time.sleep(1)
            sent[more] = visitor.send(predictors.MORE, "input", values)
    assert "sts_icl" not in str(sent[False][predictors.RANKING])
    assert "sts_icl" in str(sent[True][predictors.RANKING])
