"""Kinds that only the API server knows are asked for once, and until they are there."""

from __future__ import annotations

import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, status

from backstage_op import errors, kube
from backstage_op.document import Document, ObjectRef

API = "sonataflow.org/v1alpha08"
REF = ObjectRef(API, "SonataFlowPlatform", "team", "a")
KEY = Key(API, "sonataflowplatforms", "team", "a")
PLATFORM = {"name": "sonataflowplatforms", "kind": REF.kind, "namespaced": True}
STATUS = {**PLATFORM, "name": "sonataflowplatforms/status"}


def _platform(**spec: str) -> Document:
    metadata = {"name": REF.name, "namespace": REF.namespace}
    return {"apiVersion": API, "kind": REF.kind, "metadata": metadata, "spec": spec}


async def test_a_kind_is_what_the_api_server_says(
    server: ApiServer, client: kube.Client
) -> None:
    cluster = {"name": "things", "kind": "Thing", "namespaced": False}
    server.resources[API] = [STATUS, cluster, PLATFORM]

    assert await client.kind_of(REF) == kube.ResourceKind(
        API, "SonataFlowPlatform", "sonataflowplatforms", optional=True
    )
    thing = await client.kind_of(ObjectRef(API, "Thing", "", "a"))
    assert (thing.plural, thing.namespaced) == ("things", False)


async def test_the_api_server_is_asked_once_and_again_after_it_was_forgotten(
    server: ApiServer, client: kube.Client
) -> None:
    server.resources[API] = [PLATFORM]

    for _ in range(2):
        await client.kind_of(REF)
    assert [request.path for request in server.requests] == [f"/apis/{API}"]

    client.forget_kind(REF)
    await client.kind_of(REF)
    assert len(server.requests) == 2


async def test_kinds_that_are_known_cost_no_request(
    server: ApiServer, client: kube.Client
) -> None:
    ref = kube.CONFIG_MAP.ref("team", "a")

    assert await client.kind_of(ref) is kube.CONFIG_MAP
    assert server.requests == []


@pytest.mark.parametrize("resources", [None, [], [STATUS]])
async def test_a_kind_that_is_not_served_is_noticed_when_it_is(
    server: ApiServer, client: kube.Client, resources: list[Document] | None
) -> None:
    if resources is not None:
        server.resources[API] = resources

    with pytest.raises(errors.NotFoundError) as caught:
        await client.kind_of(REF)

    assert caught.value.reason == kube.KIND_NOT_SERVED
    assert str(caught.value) == (
        f"discover SonataFlowPlatform of {API}: 404 "
        "the API server does not serve this kind; install its API"
    )
    server.resources[API] = [PLATFORM]
    assert (await client.kind_of(REF)).plural == "sonataflowplatforms"


async def test_another_failure_is_not_taken_for_a_missing_api(
    server: ApiServer, client: kube.Client
) -> None:
    server.answer("resources", status(403, "Forbidden"))

    with pytest.raises(errors.ForbiddenError):
        await client.kind_of(REF)


async def test_objects_of_such_a_kind_are_written_like_all_others(
    server: ApiServer, client: kube.Client
) -> None:
    server.resources[API] = [PLATFORM]

    made = await client.apply(_platform(a="1"), create_only=True)
    changed = await client.apply(_platform(a="2"), uid=made["metadata"]["uid"])
    stored = server.get(KEY)
    await client.delete(REF, uid=made["metadata"]["uid"])

    assert stored is not None
    assert stored["spec"] == changed["spec"] == {"a": "2"}
    assert server.get(KEY) is None
