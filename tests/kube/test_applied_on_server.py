"""``is_applied`` against its oracle: what the real API server would do.

Objects, wishes and meddling are random, from the seed that names the test.
"""

from __future__ import annotations

import copy
import pathlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import pytest
from tests.support.objects import random_extensions, random_objects

from backstage_op import errors, kube
from backstage_op.document import Document, ref_of
from backstage_op.sandbox import Sandbox

pytestmark = pytest.mark.controlplane

_EXTENSIONS = pathlib.Path(__file__).parents[1] / "support" / "extensions.yaml"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

STRANGER = "stranger"
STRATEGIC = "application/strategic-merge-patch+json"

Path: TypeAlias = tuple[str | int, ...]


@pytest.fixture(scope="module")
def extensions(sandbox: Sandbox) -> Iterator[None]:
    """Serve the kinds of other projects that we write, for this module."""
    definitions = sandbox.apply(_EXTENSIONS)
    yield
    for definition in definitions:
        name = definition["metadata"]["name"]
        sandbox.admin.request("DELETE", f"{_DEFINITIONS}/{name}")


@pytest.fixture
async def real(sandbox: Sandbox, anyio_backend: object) -> AsyncIterator[kube.Client]:
    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        yield client


@pytest.fixture(params=range(8))
def rng(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


async def test_what_was_applied_is_applied_whatever_the_server_added(
    real: kube.Client, namespace: str, rng: random.Random
) -> None:
    for desired in random_objects(rng, namespace):
        live = await real.apply(desired)

        assert kube.is_applied(desired, live, kube.FIELD_MANAGER), desired


async def test_extensions_that_were_applied_are_applied_whatever_was_added(
    extensions: None, real: kube.Client, namespace: str, rng: random.Random
) -> None:
    for desired in random_extensions(rng, namespace):
        live = await real.apply(desired)

        assert kube.is_applied(desired, live, kube.FIELD_MANAGER), (desired, live)
        for _ in range(6):
            other = _altered(rng, desired)
            if kube.is_applied(other, live, kube.FIELD_MANAGER):
                assert await _is_no_change(real, other, live), (desired, other)


async def test_a_changed_wish_is_applied_only_if_it_changes_nothing(
    real: kube.Client, namespace: str, rng: random.Random
) -> None:
    for desired in random_objects(rng, namespace):
        live = await real.apply(desired)
        for _ in range(6):
            other = _altered(rng, desired)
            if kube.is_applied(other, live, kube.FIELD_MANAGER):
                assert await _is_no_change(real, other, live), (desired, other)


async def test_meddling_with_our_fields_is_seen(
    sandbox: Sandbox, real: kube.Client, namespace: str, rng: random.Random
) -> None:
    seen = 0
    for desired in random_objects(rng, namespace):
        live = await real.apply(desired)
        path = rng.choice(list(_leaves(desired)))
        meddled = _put(sandbox, _with(live, path, _other(_at(desired, path))))
        if meddled is None or _at(meddled, path) == _at(live, path):
            continue

        assert not kube.is_applied(desired, meddled, kube.FIELD_MANAGER), path
        seen += 1
    assert seen


async def test_fields_of_others_are_left_to_them(
    sandbox: Sandbox, real: kube.Client, namespace: str, rng: random.Random
) -> None:
    for desired in random_objects(rng, namespace):
        await real.apply(desired)

        shared = _patch(sandbox, desired, _foreign_fields(desired))

        assert "stranger.example.com/a" in shared["metadata"]["annotations"]
        assert kube.is_applied(desired, shared, kube.FIELD_MANAGER), desired


async def _is_no_change(client: kube.Client, desired: Document, live: Document) -> bool:
    try:
        answer = await client.apply(desired, dry_run=True)
    except errors.RejectedError:
        return False
    return bool(_wish_in(answer) == _wish_in(live))


def _wish_in(live: Document) -> Any:
    """What controllers do not write meanwhile."""
    metadata = dict(live["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    fields = next(
        entry["fieldsV1"]
        for entry in metadata["managedFields"]
        if entry["manager"] == kube.FIELD_MANAGER and entry["operation"] == "Apply"
    )
    content = {key: live.get(key) for key in ("spec", "data", "type")}
    return content, metadata.get("labels"), annotations, fields


def _put(sandbox: Sandbox, document: Document) -> Document | None:
    """Replace an object as a stranger; None if the server does not allow it."""
    document["metadata"].pop("resourceVersion")
    document["metadata"].pop("managedFields")
    try:
        stored: Document = sandbox.admin.request(
            "PUT", _url(document), params={"fieldManager": STRANGER}, json=document
        )
    except errors.SandboxError:
        return None
    return stored


def _patch(sandbox: Sandbox, document: Document, patch: Document) -> Document:
    stored: Document = sandbox.admin.request(
        "PATCH",
        _url(document),
        params={"fieldManager": STRANGER},
        headers={"Content-Type": STRATEGIC},
        json=patch,
    )
    return stored


def _url(document: Document) -> str:
    ref = ref_of(document)
    return kube.kind_of(ref).path(ref.namespace, ref.name)


def _foreign_fields(desired: Document) -> Document:
    metadata = {
        "annotations": {"stranger.example.com/a": "1"},
        "labels": {"stranger.example.com/l": "1"},
    }
    # The template of a Job never changes.
    if "template" not in desired.get("spec", {}) or desired["kind"] == "Job":
        return {"metadata": metadata}
    first = desired["spec"]["template"]["spec"]["containers"][0]["name"]
    added = [
        {"name": first, "env": [{"name": "STRANGER", "value": "1"}]},
        {"name": "stranger", "image": "s"},
    ]
    template = {
        "metadata": {"annotations": {"stranger.example.com/t": "1"}},
        "spec": {"containers": added},
    }
    return {"metadata": metadata, "spec": {"template": template}}


def _leaves(node: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where scalars are that neither identify nor select anything."""
    fixed = {"apiVersion", "kind", "name", "namespace", "selector", "matchLabels"}
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in fixed:
                yield from _leaves(value, (*path, key))
    elif isinstance(node, list):
        for n, value in enumerate(node):
            yield from _leaves(value, (*path, n))
    else:
        yield path


def _at(node: Any, path: Path) -> Any:
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError):
            return None
    return node


def _with(document: Document, path: Path, value: Any) -> Document:
    changed = copy.deepcopy(document)
    *parents, last = path
    place: Any = changed
    for step in parents:
        place = place.setdefault(step, {}) if isinstance(step, str) else place[step]
    place[last] = value
    return changed


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case "UDP":
            return "TCP"
        case "TCP":
            return "UDP"
        case str() if value.endswith(("Gi", "Mi", "m")):
            return f"1{value}"
        case _:
            return f"{value}x"


def _altered(rng: random.Random, desired: Document) -> Document:
    """Return the wish with one value changed, one removed, or one repeated."""
    path = rng.choice(list(_leaves(desired)))
    match rng.randrange(4):
        case 0:
            return _with(desired, path, _other(_at(desired, path)))
        case 1:
            return _with(desired, path, _same_amount(_at(desired, path)))
        case _:
            depth = rng.randrange(1, len(path) + 1)
            changed = copy.deepcopy(desired)
            parent = _at(changed, path[: depth - 1])
            if isinstance(parent, list) and rng.random() < 0.5:
                parent.reverse()
            else:
                del parent[path[depth - 1]]
            changed.setdefault("metadata", desired["metadata"])
            return changed


def _same_amount(value: Any) -> Any:
    """Return what is equal as a quantity, and different as anything else."""
    match value:
        case str() if value.endswith("Gi"):
            return f"{int(value[:-2]) * 1024}Mi"
        case str() if value.endswith("m") and value[:-1].isdecimal():
            return f"{value[:-1]}000u"
        case _:
            return str(value)
