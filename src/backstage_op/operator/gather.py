"""Read everything that one reconcile computes from; write nothing."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import anyio
import msgspec

from backstage_op import api, config, errors, kube, resources
from backstage_op.document import Document, ObjectRef

from .live import Live

_PASSWORD_BYTES: Final = 24
_CHECKSUM_KEY_BYTES: Final = 32

_SOURCE_KINDS: Final = {"ConfigMap": kube.CONFIG_MAP, "Secret": kube.SECRET}


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every instance: configuration, platform, images."""

    default: config.DefaultConfig
    platform: resources.Platform
    images: resources.Images = resources.Images()


@final
class Gatherer:
    """Reads the inputs of a reconcile.

    Objects of the instance come from ``live``; objects of the user are read by
    name from the API server. ``on_source`` is told each of the latter, so that
    the watch of references knows where it starts from.
    """

    def __init__(
        self,
        client: kube.Client,
        live: Live,
        environment: Environment,
        on_source: Callable[[Document], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._live = live
        self._environment = environment
        self._on_source = on_source

    async def gather(self, backstage: api.Backstage) -> resources.Inputs:
        """Return the inputs of one reconcile of a resource.

        An absent object of the user is a finding, not an error.

        Raises:
            errors.ForbiddenError: a right to read is missing.
            errors.TransientError: the API server did not answer as hoped.
        """
        instance = resources.instance_of(backstage)
        wanted = resources.references_of(backstage)
        sources, claims = await self._read_references(instance.namespace, wanted)
        return resources.Inputs(
            backstage=backstage,
            default=self._environment.default,
            platform=self._environment.platform,
            images=self._environment.images,
            sources=sources,
            claims=claims,
            workload_exists=await self._workload_exists(instance),
            database_password=_new_password(),
            checksum_key=await self._checksum_key(instance),
        )

    async def _read_references(
        self, namespace: str, wanted: resources.References
    ) -> tuple[Mapping[resources.Source, resources.SourceData | None], frozenset[str]]:
        sources: dict[resources.Source, resources.SourceData | None] = dict.fromkeys(
            wanted.sources
        )
        claims: set[str] = set()

        async def read_source(source: resources.Source) -> None:
            document = await self._read(
                _SOURCE_KINDS[source.kind], namespace, source.name
            )
            if document is not None:
                sources[source] = _content(document)

        async def read_claim(name: str) -> None:
            if await self._read(kube.PERSISTENT_VOLUME_CLAIM, namespace, name):
                claims.add(name)

        try:
            async with anyio.create_task_group() as tasks:
                for source in wanted.sources:
                    tasks.start_soon(read_source, source, name=f"read {source}")
                for name in wanted.claims:
                    tasks.start_soon(read_claim, name, name=f"read claim {name}")
        except* errors.KubeError as group:
            raise _first(group) from None
        return sources, frozenset(claims)

    async def _read(
        self, kind: kube.ResourceKind, namespace: str, name: str
    ) -> Document | None:
        try:
            document = await self._client.get(kind, namespace, name)
        except errors.NotFoundError:
            return None
        self._on_source(document)
        return document

    async def _workload_exists(self, instance: resources.Instance) -> bool:
        return await self._live.get(resources.workload_ref(instance)) is not None

    async def _checksum_key(self, instance: resources.Instance) -> bytes:
        observed = await self._live.get(resources.checksum_key_ref(instance))
        if observed is None:
            return secrets.token_bytes(_CHECKSUM_KEY_BYTES)
        return resources.read_checksum_key(observed.document())


def refs_of(backstage: api.Backstage) -> frozenset[ObjectRef]:
    """Return the ConfigMaps, Secrets and claims that a specification names."""
    namespace = backstage.metadata.namespace
    wanted = resources.references_of(backstage)
    return frozenset(
        [_SOURCE_KINDS[s.kind].ref(namespace, s.name) for s in wanted.sources]
        + [kube.PERSISTENT_VOLUME_CLAIM.ref(namespace, name) for name in wanted.claims]
    )


def _content(document: Document) -> resources.SourceData:
    """Return keys and bytes of a ConfigMap or a Secret."""
    text: Mapping[str, str] = document.get("data") or {}
    if document["kind"] == "Secret":
        data = {key: base64.b64decode(value) for key, value in text.items()}
    else:
        data = {key: value.encode() for key, value in text.items()}
        binary: Mapping[str, str] = document.get("binaryData") or {}
        data |= {key: base64.b64decode(value) for key, value in binary.items()}
    return resources.SourceData(data)


def _new_password() -> str:
    return base64.b64encode(secrets.token_bytes(_PASSWORD_BYTES)).decode()


def _first(group: BaseExceptionGroup[Any]) -> errors.KubeError:
    error = group.exceptions[0]
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, errors.KubeError)  # noqa: S101 - selected by except*
    return error
