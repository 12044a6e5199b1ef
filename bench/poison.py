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
from backstage_op.document import Document

from .wanted import backstage_document

_EVERY_SECONDS: Final = 0.05
_VARIABLES: Final = 2000
_PATCHED: Final = 4_000
_NAME: Final = "poison"


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
async def laborious(
    box: sandbox.Sandbox, client: kube.Client, namespace: str
) -> AsyncIterator[None]:
    """Have an instance that takes long to compute, changed twenty times a second."""
    document = {**backstage_document(namespace, _NAME), "spec": _many_variables()}
    live = await client.create(document)
    path = kube.BACKSTAGE.path(namespace, _NAME)

    async def change(number: int) -> None:
        annotations = {"bench": str(number)}
        await _meddle(box, path, {"metadata": {"annotations": annotations}})

    async with _all_the_time(change):
        yield
    ref = kube.BACKSTAGE.ref(namespace, _NAME)
    await client.delete(ref, uid=live["metadata"]["uid"])


@asynccontextmanager
async def _all_the_time(
    change: Callable[[int], Awaitable[None]],
) -> AsyncIterator[None]:
    async def repeat() -> None:
        number = 0
        while True:
            number += 1
            await change(number)
            await anyio.sleep(_EVERY_SECONDS)

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
