"""The named endpoints over HTTP, as programs call them, and as tools for assistants."""

import asyncio

import pytest
from helpers.board import DOMAINS, MODELS, SETS, fill

from sts_eval.store.store import Store

ENDPOINTS = {"/runs", "/run", "/points", "/predictors"}

UNKNOWN = "fff0fff0fff0"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    made = Store(str(tmp_path_factory.mktemp("store")))
    fill(made)
    return made


@pytest.fixture(scope="module")
def url(serve, filled):
    return serve(filled)


@pytest.fixture(scope="module")
def client(url):
    from gradio_client import Client

    return Client(url, verbose=False)


def test_nothing_else_is_named(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == ENDPOINTS


def test_runs_are_found_by_words_a_page_at_a_time(client):
    found = client.predict(api_name="/runs")
    assert (found["found"], found["page"], found["pages"]) == (len(MODELS) * len(SETS), 1, 1)
    assert {one["origin"] for one in found["runs"]} == {"measured"}
    assert client.predict("imported", "mistral chat", 7, api_name="/runs")["found"] == 1
    assert client.predict(search="nobody", api_name="/runs")["runs"] == []


def test_a_run_is_what_was_handed_in_and_its_points_are_its_domains(client, filled):
    name = client.predict(search="qwen limo", api_name="/runs")["runs"][0]["sha256"]
    whole = filled.read(name)
    assert client.predict(name[:12], api_name="/run") == whole.model_dump(mode="json")
    points = client.predict(name[:12], api_name="/points")
    assert {one["domain"]: one["delta"] for one in points} == {
        one.domain: pytest.approx(one.accuracy.delta) for one in whole.outcome.domains
    }
    assert {"sts_icl", "sts_act", "prompt_length"} <= set(points[0])


def test_predictors_are_compared_over_one_origin(client):
    found = client.predict("imported", api_name="/predictors")
    assert {one["model"] for one in found["runs"]} == {"mistral-7b"}
    assert len(found["domains"]) == len(DOMAINS)
    assert found["tables"][0]["rows"][0]["name"] == "sts_icl"
    assert client.predict("measured", "no_such_benchmark", api_name="/predictors") == {"tables": [], "runs": []}


@pytest.mark.parametrize("endpoint", ["/run", "/points"])
@pytest.mark.parametrize("name", [UNKNOWN, "", "../ledger", "<b>"])
def test_an_unknown_run_is_an_error_of_one_line(client, endpoint, name):
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as raised:
        client.predict(name, api_name=endpoint)
    assert "no run starts with that name" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_assistants_see_the_endpoints_as_tools(url):
    mcp = pytest.importorskip("mcp", reason="mcp is not installed: pip install 'gradio[mcp]'")
    http = pytest.importorskip("mcp.client.streamable_http")

    async def tools():
        async with (
            http.streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
            mcp.ClientSession(read, write) as session,
        ):
            await session.initialize()
            listed = await session.list_tools()
            unknown = await session.call_tool("run", {"sha256": UNKNOWN})
            return {tool.name: tool for tool in listed.tools}, unknown

    listed, unknown = asyncio.run(tools())
    assert set(listed) == {name.strip("/") for name in ENDPOINTS}
    assert set(listed["run"].inputSchema["properties"]) == {"sha256"}
    assert unknown.isError
