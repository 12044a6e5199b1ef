"""Any specification that the schema allows: rendered, deterministic, and accepted.

``--seed`` repeats a run; its head tells the seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
import pytest
from tests.recordings import cases

from backstage_op import api, errors, kube, resources
from backstage_op.api import crd
from backstage_op.document import Document, ref_of
from backstage_op.sandbox import Sandbox

from . import specs

# Thousands of renderings and requests take their time.
pytestmark = pytest.mark.timeout(1800)

COUNT: Final = 1000
_AT_ONCE: Final = 8
_EXTENSIONS: Final = Path(__file__).parents[1] / "support" / "extensions.yaml"
_LEAST_COMPOSED: Final = COUNT // 3
_PLATFORMS: Final = (
    resources.Platform(),
    resources.Platform(is_openshift=True, ingress_domain="apps.example.test"),
)


@pytest.fixture(scope="module")
def specifications(seed: int) -> list[Document]:
    source = specs.PlausibleSpecifications(seed)
    return [source.next() for _ in range(COUNT)]


@pytest.fixture
async def real(
    openshift_sandbox: Sandbox, anyio_backend: object
) -> AsyncIterator[kube.Client]:
    openshift_sandbox.apply(_EXTENSIONS)
    connection = kube.load(openshift_sandbox.kubeconfig)
    async with kube.Client.connect(connection) as client:
        yield client


def test_every_field_of_the_schema_is_exercised(
    specifications: list[Document],
) -> None:
    schema = crd.definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    wanted = set(_leaves(schema["properties"]["spec"], "spec"))

    seen = {path for spec in specifications for path in _paths(spec, "spec")}

    assert wanted - seen == set()


def test_rendering_never_raises_and_gives_the_same_twice(
    specifications: list[Document],
) -> None:
    composed = 0
    for number, spec in enumerate(specifications):
        first, second = _compose(spec, number), _compose(spec, number)

        assert msgspec.json.encode(first.documents) == msgspec.json.encode(
            second.documents
        )
        assert [str(f) for f in first.faults] == [str(f) for f in second.faults]
        assert all(fault.message and fault.reason for fault in first.faults)
        composed += not first.faults
    # Else the faults of the generator would hide those of the renderer.
    assert composed >= _LEAST_COMPOSED


@pytest.mark.controlplane
async def test_the_server_accepts_what_is_rendered_or_config_says_why_not(
    real: kube.Client, openshift_namespace: str, specifications: list[Document]
) -> None:
    wanted = list(_unlike_documents(specifications, openshift_namespace))
    refused: list[tuple[Document, errors.RejectedError]] = []
    slots = anyio.CapacityLimiter(_AT_ONCE)

    async def check(document: Document) -> None:
        async with slots:
            try:
                await real.apply(document, dry_run=True)
            except errors.RejectedError as error:
                # This is what a walk turns into Config=False, InvalidObject.
                refused.append((document, error))

    async with anyio.create_task_group() as tasks:
        for document in wanted:
            tasks.start_soon(check, document)

    assert len(wanted) > COUNT
    assert [(ref_of(document), str(error)) for document, error in refused] == []


def _compose(spec: Document, number: int, namespace: str = "team") -> Any:
    metadata = {"name": "my", "namespace": namespace, "uid": "u"}
    backstage = api.decode(
        {"apiVersion": api.API_VERSION, "kind": api.KIND, "metadata": metadata}
        | {"spec": spec}
    )
    return resources.compose(
        resources.Inputs(
            backstage=backstage,
            default=cases.default_config("full"),
            platform=_PLATFORMS[number % len(_PLATFORMS)],
            sources={
                source: specs.sources().get(source)
                for source in resources.references_of(backstage).sources
            },
            claims=frozenset({specs.CLAIM}),
            database_password="password",
            checksum_key=b"key",
        )
    )


def _unlike_documents(
    specifications: list[Document], namespace: str
) -> Iterator[Document]:
    """Yield each document once, but for the digest of what is mounted."""
    seen = Counter[bytes]()
    for number, spec in enumerate(specifications):
        composition = _compose(spec, number, namespace)
        if composition.faults:
            continue
        for document in composition.documents.values():
            text = msgspec.json.encode(document, order="sorted")
            seen[text] += 1
            if seen[text] == 1:
                yield document


def _leaves(schema: Document, path: str) -> Iterator[str]:
    if schema["type"] == "array":
        yield from _leaves(schema["items"], f"{path}[]")
        return
    properties = schema.get("properties")
    if not properties or "x-kubernetes-preserve-unknown-fields" in schema:
        yield path
        return
    for name, field in properties.items():
        yield from _leaves(field, f"{path}.{name}")


def _paths(value: Any, path: str) -> Iterator[str]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _paths(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member, f"{path}[]")
