"""What the client relies on, asked of the real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import errors, kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

pytestmark = pytest.mark.controlplane


@pytest.fixture
async def real(sandbox: Sandbox, anyio_backend: object) -> AsyncIterator[kube.Client]:
    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        yield client


def _config_map(namespace: str, value: str = "1", **metadata: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": namespace, **metadata},
        "data": {"key": value},
    }


def _service(namespace: str, **spec: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": {"ports": [{"name": "http", "port": 80}], **spec},
    }


async def test_the_same_configuration_again_changes_nothing(
    real: kube.Client, namespace: str
) -> None:
    first = await real.apply(_service(namespace))

    second = await real.apply(_service(namespace))

    assert second == first


async def test_a_stale_version_is_a_conflict(real: kube.Client, namespace: str) -> None:
    old = await real.apply(_config_map(namespace))
    version = old["metadata"]["resourceVersion"]
    await real.apply(_config_map(namespace, "2"))

    with pytest.raises(errors.ConflictError):
        await real.apply(_config_map(namespace, "3", resourceVersion=version))


async def test_a_version_alone_does_not_mean_update_only(
    real: kube.Client, namespace: str
) -> None:
    created = await real.apply(_config_map(namespace, resourceVersion="1"))

    assert created["data"] == {"key": "1"}


async def test_create_only_creates_and_never_updates(
    real: kube.Client, namespace: str
) -> None:
    created = await real.apply(_config_map(namespace), create_only=True)

    with pytest.raises(errors.ConflictError):
        await real.apply(_config_map(namespace, "2"), create_only=True)

    assert await real.get(kube.CONFIG_MAP, namespace, "a") == created


async def test_a_uid_means_update_only(real: kube.Client, namespace: str) -> None:
    uid = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(errors.ConflictError, match="uid"):
        await real.apply(_config_map(namespace), uid=uid)

    with pytest.raises(errors.NotFoundError):
        await real.get(kube.CONFIG_MAP, namespace, "a")


async def test_a_uid_of_another_object_is_a_conflict(
    real: kube.Client, namespace: str
) -> None:
    stored = await real.apply(_config_map(namespace))

    with pytest.raises(errors.ConflictError) as caught:
        await real.apply(
            _config_map(namespace, "2"), uid="00000000-0000-4000-8000-000000000000"
        )
    updated = await real.apply(
        _config_map(namespace, "3"), uid=stored["metadata"]["uid"]
    )

    assert caught.value.status in (409, 422)
    assert updated["data"] == {"key": "3"}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"unknown": 1}, id="a field the schema does not know"),
        pytest.param(
            {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
            id="a list key twice",
        ),
        pytest.param({"ports": [{"name": "a"}]}, id="a list key that is missing"),
        pytest.param({"ports": [{"name": "a", "port": "x"}]}, id="a wrong type"),
        pytest.param({"type": "Nonsense"}, id="a value that is not allowed"),
    ],
)
async def test_what_the_server_refuses_is_asked_once(
    sandbox: Sandbox, real: kube.Client, namespace: str, spec: dict[str, Any]
) -> None:
    before = sandbox.audit_offset()

    with pytest.raises(errors.RejectedError):
        await real.apply(_service(namespace, **spec))

    # Controllers are at work in a new namespace, too.
    asked = [
        event
        for event in sandbox.audit_events(before)
        if (event.user, event.namespace) == ("admin", namespace)
    ]
    assert [(event.verb, event.resource) for event in asked] == [("patch", "services")]


async def test_delete_is_for_one_object_only(real: kube.Client, namespace: str) -> None:
    stored = await real.apply(_config_map(namespace))
    ref = kube.CONFIG_MAP.ref(namespace, "a")

    with pytest.raises(errors.ConflictError):
        await real.delete(ref, uid="00000000-0000-4000-8000-000000000000")
    await real.delete(ref, uid=stored["metadata"]["uid"])
    await real.delete(ref, uid=stored["metadata"]["uid"])

    with pytest.raises(errors.NotFoundError):
        await real.get(kube.CONFIG_MAP, namespace, "a")


async def test_create_makes_and_then_conflicts(
    real: kube.Client, namespace: str
) -> None:
    await real.create(_config_map(namespace))

    with pytest.raises(errors.ConflictError) as caught:
        await real.create(_config_map(namespace))

    assert caught.value.reason == "AlreadyExists"


async def test_a_dry_run_answers_and_stores_nothing(
    real: kube.Client, namespace: str
) -> None:
    answer = await real.apply(_service(namespace), dry_run=True)

    assert answer["spec"]["ports"][0]["protocol"] == "TCP"
    with pytest.raises(errors.NotFoundError):
        await real.get(kube.SERVICE, namespace, "a")


async def test_fields_of_another_manager_are_taken_over(
    sandbox: Sandbox, real: kube.Client, namespace: str
) -> None:
    sandbox.apply(_config_map(namespace, "theirs"))

    taken = await real.apply(_config_map(namespace, "ours"))

    assert taken["data"] == {"key": "ours"}
    assert kube.is_applied(_config_map(namespace, "ours"), taken, kube.FIELD_MANAGER)


async def test_a_status_is_merged_into_exactly_that_object(
    real: kube.Client, namespace: str
) -> None:
    service = await real.apply(_service(namespace, type="LoadBalancer"))
    ingress = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}

    with pytest.raises(errors.ConflictError):
        await real.merge_status(
            kube.SERVICE,
            namespace,
            "a",
            uid="00000000-0000-4000-8000-000000000000",
            status=ingress,
        )
    patched = await real.merge_status(
        kube.SERVICE, namespace, "a", uid=service["metadata"]["uid"], status=ingress
    )

    assert patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "10.0.0.1"
    assert patched["spec"] == service["spec"]


async def test_the_groups_are_found_and_openshift_is_not(real: kube.Client) -> None:
    groups = await real.api_groups()

    assert {"apps", "batch"} <= groups
    assert "route.openshift.io" not in groups
    assert await kube.ingress_domain(real) == ""


async def test_without_a_right_the_user_is_told_which(
    sandbox: Sandbox, namespace: str
) -> None:
    kubeconfig = sandbox.service_account_kubeconfig(namespace, "default")

    async with kube.Client.connect(kube.load(kubeconfig)) as client:
        with pytest.raises(errors.ForbiddenError, match="cannot get resource"):
            await client.get(kube.CONFIG_MAP, namespace, "a")


async def test_watches_that_are_closed_leak_no_connection(
    real: kube.Client, namespace: str
) -> None:
    """More of them than there are connections."""
    with anyio.fail_after(GIVE_UP_SECONDS):
        for _ in range(100):
            async with real.watch(
                kube.CONFIG_MAP,
                namespace,
                resource_version="0",
                seconds=60,
                silence_seconds=60,
            ) as lines:
                assert b'"ADDED"' in await anext(lines)


async def test_all_of_five_hundred_and_more_objects_are_mirrored(
    real: kube.Client, namespace: str
) -> None:
    await _make(real, [_named(namespace, f"n{n}") for n in range(510)])
    whole, bare = Mirror(), Mirror()

    async with anyio.create_task_group() as tasks:
        for mirror, metadata_only in ((whole, False), (bare, True)):
            reflector = kube.Reflector(
                real,
                kube.CONFIG_MAP,
                mirror.cache,
                namespace=namespace,
                label_selector="test=mirror",
                metadata_only=metadata_only,
            )
            await tasks.start(reflector.run)
        assert len(whole.told) == len(bare.told) == 510
        stored = await real.apply(_named(namespace, "n0") | {"data": {"key": "2"}})
        gone = kube.CONFIG_MAP.ref(namespace, "n1")
        uid = next(item.uid for item in bare.cache if item.ref == gone)
        await real.delete(gone, uid=uid)
        with anyio.fail_after(GIVE_UP_SECONDS):
            await whole.hears(512)
            await bare.hears(512)
        tasks.cancel_scope.cancel()

    assert whole.told[510:] == bare.told[510:] == ["changed n0", "deleted n1"]
    seen = whole.cache.get(kube.CONFIG_MAP.ref(namespace, "n0"))
    assert seen is not None
    assert seen.document() == stored
    assert {observed.body for observed in bare.cache} == {b""}
    assert {observed.labels["test"] for observed in bare.cache} == {"mirror"}


class Mirror:
    """A cache that writes down what it was told, and can be waited for."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.cache = kube.Cache(on_change=self._note)
        self._news = anyio.Event()

    async def hears(self, count: int) -> None:
        while len(self.told) < count:
            await self._news.wait()

    def _note(self, old: kube.Observed | None, new: kube.Observed | None) -> None:
        item = new or old
        assert item is not None
        word = "added" if old is None else "deleted" if new is None else "changed"
        self.told.append(f"{word} {item.ref.name}")
        self._news.set()
        self._news = anyio.Event()


async def _make(client: kube.Client, documents: list[Document]) -> None:
    slots = anyio.CapacityLimiter(16)

    async def apply(document: Document) -> None:
        async with slots:
            await client.apply(document)

    async with anyio.create_task_group() as tasks:
        for document in documents:
            tasks.start_soon(apply, document)


def _named(namespace: str, name: str) -> Document:
    return _config_map(namespace, name=name, labels={"test": "mirror"})
