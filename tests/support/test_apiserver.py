"""The fake API server answers what the real one answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.apiserver import ApiServer

from backstage_op import errors, kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.controlplane
async def test_one_story_is_told_by_both_servers(
    sandbox: Sandbox, namespace: str, anyio_backend: object
) -> None:
    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        real = await _story(client, namespace)
    plain = kube.Connection.plain("http://fake")
    async with kube.Client.connect(plain, inner=ApiServer()) as client:
        fake = await _story(client, namespace)

    assert fake == real


async def _story(client: kube.Client, namespace: str) -> list[Any]:
    def config_map(name: str = "a", labels: Any = None, **data: str) -> Document:
        metadata = {"name": name, "namespace": namespace}
        if labels:
            metadata["labels"] = labels
        identity = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        return {**identity, "data": data}

    ref = kube.CONFIG_MAP.ref(namespace, "a")
    told: list[Any] = []

    async def tell(request: Any) -> Document:
        try:
            answer = await request
        except errors.KubeError as error:
            told.append((type(error).__name__, error.status, error.reason))
            return {}
        told.append(_seen(answer) if answer else answer)
        return answer or {}

    await tell(client.get(kube.CONFIG_MAP, namespace, "a"))
    await tell(client.apply(config_map(x="1"), uid=NOBODY))
    await tell(client.apply(config_map(x="1", y="1"), dry_run=True))
    first = await tell(client.apply(config_map(x="1", y="1"), create_only=True))
    await tell(client.apply(config_map(x="2"), create_only=True))
    second = await tell(client.apply(config_map(x="1", y="1")))
    told.append(first["metadata"] == second["metadata"])
    third = await tell(client.apply(config_map(x="2", labels={"test": "story"})))
    told.append(kube.is_applied(config_map(x="2"), third, kube.FIELD_MANAGER))
    await tell(client.create(config_map(x="3")))
    await tell(client.create(config_map("b", x="3")))
    listed = await client.list_all(kube.CONFIG_MAP, namespace, "test=story")
    told.append([_seen(item) for item in listed])
    told += await _events(client, namespace, first["metadata"]["resourceVersion"])
    await tell(client.delete(ref, uid=NOBODY))
    await tell(client.delete(ref, uid=first["metadata"]["uid"]))
    await tell(client.get(kube.CONFIG_MAP, namespace, "a"))
    return told


async def _events(client: kube.Client, namespace: str, version: str) -> list[str]:
    async with client.watch(
        kube.CONFIG_MAP,
        namespace,
        "test=story",
        resource_version=version,
        seconds=5,
        silence_seconds=5,
    ) as lines:
        line = await anext(lines)
    return [word for word in ("ADDED", "MODIFIED") if word.encode() in line]


def _seen(answer: Document) -> Any:
    metadata = answer["metadata"]
    return (
        answer["kind"],
        answer["data"],
        metadata["name"],
        metadata.get("labels"),
        [entry["fieldsV1"] for entry in metadata.get("managedFields", [])]
        if metadata["name"] == "a"
        else None,
    )
