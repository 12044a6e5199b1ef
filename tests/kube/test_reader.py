from __future__ import annotations

import pytest
from tests.support.apiserver import ApiServer

from backstage_op import errors, kube

from .config_map import KEY, REF, config_map


async def test_get_returns_the_object(client: kube.Client, server: ApiServer) -> None:
    stored = server.put(KEY, config_map())

    assert await client.get(kube.CONFIG_MAP, "team", "a") == stored


async def test_what_is_not_there_is_named(client: kube.Client) -> None:
    with pytest.raises(errors.NotFoundError, match=r"^get ConfigMap team/a: 404"):
        await client.get(kube.CONFIG_MAP, "team", "a")


async def test_all_pages_of_a_list_are_read(
    client: kube.Client, server: ApiServer
) -> None:
    for n in range(501):
        server.put(KEY._replace(name=f"n{n:03}"), config_map())

    listed = await client.list_all(kube.CONFIG_MAP, "team")

    assert [item["metadata"]["name"] for item in listed] == [
        f"n{n:03}" for n in range(501)
    ]
    assert {(item["apiVersion"], item["kind"]) for item in listed} == {
        ("v1", "ConfigMap")
    }


async def test_a_selector_is_sent_to_the_server(
    client: kube.Client, server: ApiServer
) -> None:
    server.put(KEY, config_map())

    assert await client.list_all(kube.CONFIG_MAP, "team", "app=x") == []
    assert await client.list_metadata(kube.CONFIG_MAP, "team", "app=x") == []


async def test_a_list_of_metadata_carries_no_bodies(
    client: kube.Client, server: ApiServer
) -> None:
    stored = server.put(KEY, config_map())

    [observed] = await client.list_metadata(kube.CONFIG_MAP, "team")

    assert (observed.ref, observed.uid) == (REF, stored["metadata"]["uid"])
    assert observed.body == b""
    assert "PartialObjectMetadataList" in server.requests[0].headers["accept"]
