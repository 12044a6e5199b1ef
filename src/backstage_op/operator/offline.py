"""The inputs of a reconcile from manifests instead of a cluster.

What a cluster would generate is left empty: such a manifest cannot be mistaken
for one with a real password, and the same manifests give the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from backstage_op import api, errors, resources
from backstage_op.document import Document

from .gather import Environment

NAMESPACE: Final = "default"
"""Where objects are that do not say where they are."""

NO_UID: Final = "00000000-0000-0000-0000-000000000000"
"""The uid of a resource that no API server has stored."""

_WORKLOADS: Final = ("Deployment", "StatefulSet")
_READ: Final = (
    api.KIND,
    "ConfigMap",
    "PersistentVolumeClaim",
    "Secret",
    *_WORKLOADS,
)


def inputs_of(
    documents: Iterable[Document],
    environment: Environment,
    *,
    namespace: str = NAMESPACE,
) -> resources.Inputs:
    """Return what a reconcile would read of these objects, and of no others.

    Args:
        documents: Exactly one ``Backstage``, and the ConfigMaps, Secrets and
            claims that it names. Of its workload, if it is given, what stays as it
            is. Other objects are not looked at.
        environment: Configuration, platform, images and proxy.
        namespace: That of objects which do not name theirs.

    Raises:
        errors.SettingsError: there is no ``Backstage``, or several, or an object
            has no name.
        errors.SpecError: the ``Backstage`` has a wrong field.
        errors.ManifestError: a Secret has a value that is not base64, or a workload
            is none.
    """
    given = [_named(document) for document in documents if _is_read(document)]
    backstage = _only_backstage(given, namespace)
    here = [one for one in given if _namespace(one, namespace) == _of(backstage)]
    present = {
        resources.Source(one["kind"], one["metadata"]["name"]): _content(one)
        for one in here
        if one["kind"] in ("ConfigMap", "Secret")
    }
    wanted = resources.references_of(backstage)
    return resources.Inputs(
        backstage=backstage,
        default=environment.default,
        platform=environment.platform,
        images=environment.images,
        proxy=environment.proxy,
        allow_privileged_patches=environment.allow_privileged_patches,
        sources={source: present.get(source) for source in wanted.sources},
        claims=frozenset(
            one["metadata"]["name"]
            for one in here
            if one["kind"] == "PersistentVolumeClaim"
        ),
        live_workload=_live_workload(here, backstage),
        database_password="",
        checksum_key=b"",
    )


def _live_workload(
    here: list[Document], backstage: api.Backstage
) -> resources.LiveWorkload | None:
    """Return what is there of the workload, if it is among the objects."""
    ref = resources.workload_ref(backstage)
    for one in here:
        if (one["kind"], one["metadata"]["name"]) == (ref.kind, ref.name):
            try:
                return resources.read_live_workload(one)
            except (AttributeError, TypeError):
                raise errors.ManifestError(
                    f'{ref.kind} "{ref.name}"',
                    "spec",
                    "not a workload as the API server stores it; remove it, or read "
                    "it from the cluster",
                ) from None
    return None


def _is_read(document: Any) -> bool:
    return isinstance(document, dict) and document.get("kind") in _READ


def _named(document: Document) -> Document:
    """Return an object of a manifest as it is, if it says which one it is."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name or not isinstance(namespace, str | None):
        raise errors.SettingsError(
            f"a manifest of kind {document['kind']}: metadata.name is missing, or it "
            "or metadata.namespace is no text; correct it"
        )
    return document


def _is_backstage(document: Document) -> bool:
    group = str(document.get("apiVersion")).partition("/")[0]
    return (group, document["kind"]) == (api.GROUP, api.KIND)


def _only_backstage(given: list[Document], namespace: str) -> api.Backstage:
    found = [one for one in given if _is_backstage(one)]
    if len(found) != 1:
        raise errors.SettingsError(
            f"expected one {api.KIND} in the manifests, found {len(found)}; "
            "render one at a time"
        )
    metadata: Document = {
        "uid": NO_UID,
        **found[0]["metadata"],
        "namespace": _namespace(found[0], namespace),
    }
    return api.decode({**found[0], "metadata": metadata})


def _of(backstage: api.Backstage) -> str:
    return backstage.metadata.namespace


def _namespace(document: Document, default: str) -> str:
    return (document.get("metadata") or {}).get("namespace") or default


def _content(document: Document) -> resources.SourceData:
    """Return the content as the API server would store it."""
    try:
        data = dict(document.get("data") or {})
        if document["kind"] == "Secret":
            plain: dict[str, str] = document.get("stringData") or {}
            data |= {key: _encoded(value) for key, value in plain.items()}
        data = {key: "" if value is None else value for key, value in data.items()}
        return resources.SourceData.of({**document, "data": data})
    except (ValueError, AttributeError, TypeError):
        raise errors.ManifestError(
            f'{document["kind"]} "{document["metadata"]["name"]}"',
            "data",
            "not text, or not base64 in a Secret; correct it, or use stringData",
        ) from None


def _encoded(text: str | None) -> str:
    return base64.b64encode((text or "").encode()).decode()
