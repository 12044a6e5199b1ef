"""Small inputs: a configuration with just what an instance needs, and a resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from backstage_op import api, config, resources
from backstage_op.document import Document

OWNER: Final = {
    "apiVersion": "rhdh.redhat.com/v1alpha5",
    "kind": "Backstage",
    "name": "my",
    "uid": "uid",
    "controller": True,
    "blockOwnerDeletion": True,
}
LABELS: Final = {
    "app.kubernetes.io/name": "backstage",
    "app.kubernetes.io/instance": "my",
}
INSTANCE: Final = resources.Instance("my", "team", "uid")
OPENSHIFT: Final = resources.Platform(
    is_openshift=True, ingress_domain="apps.example.test"
)


def workload(**pod: Any) -> Document:
    """Return the manifest of a Deployment with the portal's two containers."""
    spec = {
        "initContainers": [{"name": "install-dynamic-plugins", "image": "i"}],
        "containers": [{"name": "backstage-backend", "image": "b"}],
    }
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec | pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "any"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }


def config_map(name: str, /, **data: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    }


SERVICE: Final[Document] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "any"},
    "spec": {"ports": [{"name": "http", "port": 80}]},
}
ROUTE: Final[Document] = {
    "apiVersion": "route.openshift.io/v1",
    "kind": "Route",
    "metadata": {"name": "any"},
    "spec": {"to": {"kind": "Service", "name": "any"}},
}
DATABASE: Final[Mapping[str, Document]] = {
    "db-secret.yaml": {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "any"},
    },
    "db-service.yaml": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "any"},
        "spec": {"ports": [{"port": 5432}]},
    },
    "db-statefulset.yaml": {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "any"},
        "spec": {
            "template": {"spec": {"containers": [{"name": "postgresql", "image": "p"}]}}
        },
    },
}


COORDINATES: Final = {
    "POSTGRES_HOST": "db.test",
    "POSTGRES_PORT": "5432",
    "POSTGRES_USER": "u",
    "POSTGRES_PASSWORD": "p",
    "POSTGRESQL_ADMIN_PASSWORD": "p",
}
"""What a Secret of the user says of a database."""


def inputs(
    spec: Document | None = None,
    *,
    files: Mapping[str, Document | list[Document] | None] | None = None,
    config_maps: Mapping[str, Mapping[str, str] | None] | None = None,
    secrets: Mapping[str, Mapping[str, str] | None] | None = None,
    annotations: Mapping[str, str] | None = None,
    name: str = "my",
    **fields: Any,
) -> resources.Inputs:
    """Return inputs.

    ``files`` are keys of the default configuration and their manifests, besides
    or instead of Deployment, Service and database; None takes one away. Of
    ``config_maps`` and ``secrets``, None is absent from the cluster.
    """
    manifests: dict[str, Any] = {
        "deployment.yaml": workload(),
        "service.yaml": SERVICE,
        **DATABASE,
        **(files or {}),
    }
    metadata = {"name": name, "namespace": "team", "uid": "uid"}
    backstage = api.decode(
        {
            "apiVersion": api.API_VERSION,
            "kind": api.KIND,
            "metadata": metadata | {"annotations": dict(annotations or {})},
            "spec": spec or {},
        }
    )
    values: dict[str, Any] = {
        "platform": resources.Platform(),
        "claims": frozenset(),
        "database_password": "password",
        "checksum_key": b"key",
        **fields,
    }
    return resources.Inputs(
        backstage=backstage,
        default=config.DefaultConfig(
            source="test",
            files={key: _text(made) for key, made in manifests.items() if made},
        ),
        sources={
            resources.Source(kind, name): _data(content)
            for kind, contents in (("ConfigMap", config_maps), ("Secret", secrets))
            for name, content in (contents or {}).items()
        },
        **values,
    )


def composed(
    spec: Document | None = None, /, **arguments: Any
) -> Mapping[str, Document]:
    """Return the documents of inputs that have no fault."""
    composition = resources.compose(inputs(spec, **arguments))
    assert composition.faults == ()
    return composition.documents


def faults(spec: Document | None = None, /, **arguments: Any) -> list[str]:
    """Return the messages of what is wrong with inputs."""
    composition = resources.compose(inputs(spec, **arguments))
    return [fault.message for fault in composition.faults]


def not_found(path: str, kind: str, name: str) -> str:
    """Return the message about an object that a field names and nobody made."""
    return (
        f'{path}: {kind} "{name}" in namespace "team" not found; '
        "create it or remove the reference"
    )


def no_key(path: str, kind: str, name: str, key: str) -> str:
    """Return the message about an entry that a field names and an object lacks."""
    return (
        f'{path}: {kind} "{name}" in namespace "team" has no key "{key}"; '
        "add the key or correct the field"
    )


def metadata(name: str, **fields: Any) -> Document:
    """Return the metadata of an object of the instance."""
    return {
        "name": name,
        "namespace": "team",
        "labels": LABELS,
        "ownerReferences": [OWNER],
        **fields,
    }


def backend(documents: Mapping[str, Document]) -> Document:
    """Return the portal's container."""
    return container(documents, "backstage-backend")


def container(documents: Mapping[str, Document], name: str) -> Document:
    """Return a container of the Deployment."""
    pod = documents["deployment"]["spec"]["template"]["spec"]
    found: Document = next(
        entry
        for entry in [*pod["containers"], *pod["initContainers"]]
        if entry["name"] == name
    )
    return found


def digest(documents: Mapping[str, Document]) -> str:
    """Return the digest that restarts the pods when it changes."""
    metadata = documents["deployment"]["spec"]["template"]["metadata"]
    return str(metadata["annotations"]["rhdh.redhat.com/ext-config-hash"])


def file(path: str, volume: str, key: str) -> Document:
    """Return the mount of one file."""
    return {"mountPath": path, "name": volume, "readOnly": True, "subPath": key}


def _text(manifest: Document | list[Document]) -> str:
    several = manifest if isinstance(manifest, list) else [manifest]
    return "\n---\n".join(json.dumps(one) for one in several)


def _data(content: Mapping[str, str] | None) -> resources.SourceData | None:
    if content is None:
        return None
    return resources.SourceData({key: v.encode() for key, v in content.items()})
