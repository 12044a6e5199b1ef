"""Instances that keep an operator busy, and should not keep the others waiting."""

from __future__ import annotations

import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.to_thread

from backstage_op import kube, sandbox
from backstage_op.document import Document, ref_of

from .wanted import backstage_document

_EVERY_SECONDS: Final = 0.05
_SLOWLY_SECONDS: Final = 5.0
_VARIABLES: Final = 2000
_PATCHED: Final = 4_000
_NAME: Final = "poison"
_NOBODY: Final = "https://127.0.0.1:9/"
_ENTRIES: Final = 3_900
"""So many hold nearly as many nodes of YAML as are read."""
_KEYS: Final = (
    "db-secret.yaml",
    "db-service.yaml",
    "db-statefulset.yaml",
    "deployment.yaml",
    "networkpolicy.yaml",
    "pvcs.yaml",
    "secret-files.yaml",
    "service.yaml",
)


@asynccontextmanager
async def fought_over(
    box: sandbox.Sandbox, namespace: str, name: str
) -> AsyncIterator[None]:
    """Let somebody change a Deployment of ours twenty times a second."""
    path = kube.DEPLOYMENT.path(namespace, name)

    async def change(_: int) -> None:
        labels = {"app.kubernetes.io/name": secrets.token_hex(4)}
        await _meddle(box, path, {"metadata": {"labels": labels}})

    async with _all_the_time(change):
        yield


@asynccontextmanager
async def large(
    box: sandbox.Sandbox, client: kube.Client, namespace: str
) -> AsyncIterator[None]:
    """Have an instance with 4,000 patched variables, changed twenty times a second."""
    path = kube.BACKSTAGE.path(namespace, _NAME)

    async def change(number: int) -> None:
        annotations = {"bench": str(number)}
        await _meddle(box, path, {"metadata": {"annotations": annotations}})

    document = _instance(namespace, _many_variables())
    async with _object(client, document), _all_the_time(change):
        yield


@asynccontextmanager
async def slow(
    box: sandbox.Sandbox, client: kube.Client, namespace: str
) -> AsyncIterator[None]:
    """Have an instance that takes ten seconds to compute, changed every five.

    The texts of its configuration are as long as they may be, and of no use: they
    are read, and nothing is written but a status.
    """
    path = kube.CONFIG_MAP.path(namespace, _NAME)

    async def change(number: int) -> None:
        data = _config_map(namespace, number)["data"]
        await _meddle(box, path, {"data": data})

    spec = {"rawRuntimeConfig": {"backstageConfig": _NAME}}
    async with (
        _object(client, _config_map(namespace, 0)),
        _object(client, _instance(namespace, spec)),
        _all_the_time(change, every_seconds=_SLOWLY_SECONDS),
    ):
        yield


@asynccontextmanager
async def refused(
    box: sandbox.Sandbox, client: kube.Client, namespace: str
) -> AsyncIterator[None]:
    """Have an instance whose Deployment the API server fails to write, each time."""
    hook = {
        "name": "poison.example.test",
        "clientConfig": {"url": _NOBODY},
        "objectSelector": {"matchLabels": {"app.kubernetes.io/instance": _NAME}},
        "rules": [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["deployments"],
            }
        ],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
    }
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": _NAME},
        "webhooks": [hook],
    }
    async with _object(client, webhook), _object(client, _instance(namespace, {})):
        yield


@asynccontextmanager
async def _object(client: kube.Client, document: Document) -> AsyncIterator[None]:
    """Have an object for a while."""
    live = await client.create(document)
    yield
    await client.delete(ref_of(live), uid=live["metadata"]["uid"])


@asynccontextmanager
async def _all_the_time(
    change: Callable[[int], Awaitable[None]], every_seconds: float = _EVERY_SECONDS
) -> AsyncIterator[None]:
    async def repeat() -> None:
        number = 0
        while True:
            number += 1
            await change(number)
            await anyio.sleep(every_seconds)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(repeat)
        yield
        tasks.cancel_scope.cancel()


async def _meddle(box: sandbox.Sandbox, path: str, patch: Document) -> None:
    """Change an object as somebody else."""
    await anyio.to_thread.run_sync(
        functools.partial(
            box.admin.request,
            "PATCH",
            path,
            params={"fieldManager": "bench"},
            headers={"Content-Type": "application/merge-patch+json"},
            json=patch,
        )
    )


def _instance(namespace: str, spec: Document) -> Document:
    return {**backstage_document(namespace, _NAME), "spec": spec}


def _many_variables() -> Document:
    """Return a specification that takes long to compute: many variables, patched."""
    variables = [{"name": f"V{number}", "value": "x"} for number in range(_VARIABLES)]
    patched = [{"name": f"V{number}", "value": "y"} for number in range(_PATCHED)]
    containers = [{"name": "backstage-backend", "env": patched}]
    return {
        "application": {"extraEnvs": {"envs": variables}},
        "deployment": {
            "patch": {"spec": {"template": {"spec": {"containers": containers}}}}
        },
    }


def _config_map(namespace: str, number: int) -> Document:
    """Return raw configuration that takes long to read; another number, anew."""
    text = "apiVersion: v1\nkind: Poison\nitems:\n" + "- {a: b, c: d}\n" * _ENTRIES
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _NAME, "namespace": namespace},
        # No two are the same, for the same text is not read twice.
        "data": {key: f"# {number} of {key}\n{text}" for key in _KEYS},
    }
