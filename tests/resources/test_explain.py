"""Which fields of a resource an object is said to come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect

from backstage_op import api, resources
from backstage_op.document import Document

from .builders import (
    COORDINATES,
    DATABASE,
    OPENSHIFT,
    ROUTE,
    SERVICE,
    config_map,
    inputs,
)

_POLICY: Final = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "to-database"},
    "spec": {
        "podSelector": {"matchLabels": {"rhdh.redhat.com/app": "backstage"}},
        "egress": [
            {
                "to": [
                    {
                        "podSelector": {
                            "matchLabels": {"rhdh.redhat.com/app": "backstage-psql"}
                        }
                    }
                ]
            }
        ],
    },
}
_CLAIMS: Final = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "cache"},
    "spec": {"accessModes": ["ReadWriteOnce"]},
}
_STATEFUL_SET: Final = DATABASE["db-statefulset.yaml"]
_FILES: Final[Mapping[str, Document]] = {
    "app-config.yaml": config_map(
        "base",
        **{
            "app-config.yaml": "app: {baseUrl: http://localhost:7007}\n"
            "backend: {auth: {keys: [{secret: '${BACKEND_SECRET}'}]}}\n"
        },
    ),
    "configmap-envs.yaml": config_map("envs", A="a"),
    "configmap-files.yaml": config_map("files", a="a"),
    "db-statefulset.yaml": {
        **_STATEFUL_SET,
        "spec": {
            **_STATEFUL_SET["spec"],
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
        },
    },
    "dynamic-plugins.yaml": config_map(
        "plugins",
        **{"dynamic-plugins.yaml": "plugins: [{package: 'oci://e.test/base:1'}]\n"},
    ),
    "networkpolicy.yaml": _POLICY,
    "pvcs.yaml": _CLAIMS,
    "route.yaml": ROUTE,
    "service.yaml": {**SERVICE, "spec": {**SERVICE["spec"], "type": "NodePort"}},
}
_DEPENDENCY: Final = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: needed}\n"
    "data: {secret: '{{backstage-db-secret}}'}\n"
)
_PLUGIN: Final[Document] = {
    "package": "oci://e.test/mine:1",
    "pluginConfig": {"a": 1},
    "dependencies": [{"ref": "flows"}],
}
_EXTERNAL: Final[Document] = {"database": {"enableLocalDb": False}}
_INGRESS: Final[Document] = {"application": {"ingress": {"host": "a.test"}}}
_HTTP_ROUTE: Final[Document] = {
    "application": {"httpRoute": {"parentRefs": [{"name": "a"}]}}
}
_PLUGINS: Final[Document] = {"application": {"dynamicPlugins": [_PLUGIN]}}
_MONITORING: Final[Document] = {"monitoring": {"enabled": True}}
_MOUNTED: Final[Document] = {
    "application": {
        "appConfig": {"configMaps": [{"name": "config"}]},
        "extraFiles": {"configMaps": [{"name": "files"}]},
    }
}


def _at(path: str, value: Any) -> Document:
    """Return a specification with a value at a path."""
    for field in reversed(path.split(".")):
        value = {field: value}
    return dict(value)


def _merged(below: Document, above: Document) -> Document:
    """Return a specification with another one over it."""
    both = {field for field in above if isinstance(below.get(field), dict)}
    inner = {field: _merged(below[field], above[field]) for field in both}
    return {**below, **above, **inner}


class _Sample(msgspec.Struct, frozen=True):
    """A value of a field, and what has to be said beside it for it to matter."""

    path: str
    value: Any
    beside: Document = {}

    @property
    def spec(self) -> Document:
        return _merged(self.beside, _at(self.path, self.value))


_SAMPLES: Final = (
    _Sample("application.appConfig.configMaps", [{"name": "config"}]),
    _Sample("application.appConfig.mountPath", "/elsewhere", _MOUNTED),
    _Sample("application.dynamicPlugins", [_PLUGIN]),
    _Sample("application.dynamicPluginsConfigMapName", "plugins"),
    _Sample("application.extraEnvs.configMaps", [{"name": "envs"}]),
    _Sample("application.extraEnvs.envs", [{"name": "BACKEND_SECRET", "value": "b"}]),
    _Sample("application.extraEnvs.secrets", [{"name": "secret"}]),
    _Sample("application.extraFiles.configMaps", [{"name": "files"}]),
    _Sample("application.extraFiles.mountPath", "/elsewhere", _MOUNTED),
    _Sample("application.extraFiles.pvcs", [{"name": "claim"}]),
    _Sample("application.extraFiles.secrets", [{"name": "secret", "key": "A"}]),
    _Sample("application.httpRoute.annotations", {"a": "b"}, _HTTP_ROUTE),
    _Sample("application.httpRoute.enabled", False, _HTTP_ROUTE),
    _Sample("application.httpRoute.hostnames", ["a.test"], _HTTP_ROUTE),
    _Sample("application.httpRoute.parentRefs", [{"name": "a"}]),
    _Sample("application.image", "example.test/portal:1"),
    _Sample("application.imagePullSecrets", ["pull"]),
    _Sample("application.ingress.annotations", {"a": "b"}, _INGRESS),
    _Sample("application.ingress.className", "public", _INGRESS),
    _Sample("application.ingress.enabled", True),
    _Sample("application.ingress.host", "a.test"),
    _Sample("application.ingress.tls.enabled", True, _INGRESS),
    _Sample("application.ingress.tls.secretName", "tls", _INGRESS),
    _Sample("application.replicas", 3),
    _Sample("application.route.enabled", False),
    _Sample("application.route.host", "a.test"),
    _Sample("application.route.subdomain", "a"),
    _Sample("application.route.tls.caCertificate", "PEM"),
    _Sample("application.route.tls.certificate", "PEM"),
    _Sample("application.route.tls.externalCertificateSecretName", "tls"),
    _Sample("application.route.tls.key", "PEM"),
    _Sample("commonMetadata.annotations", {"a": "b"}),
    _Sample("commonMetadata.labels", {"a": "b"}),
    _Sample("database.authSecretName", "database"),
    _Sample("database.authSecretName", "database", _PLUGINS),
    _Sample("database.enableLocalDb", False),
    _Sample("database.external.ca.configMapName", "authorities", _EXTERNAL),
    _Sample(
        "database.external.ca.key",
        "other.crt",
        _merged(_EXTERNAL, _at("database.external.ca.configMapName", "authorities")),
    ),
    _Sample("database.external.ca.secretName", "authorities", _EXTERNAL),
    _Sample("database.external.sslMode", "require", _EXTERNAL),
    _Sample("database.local.image", "example.test/postgresql-16:1"),
    _Sample("database.local.resources", {"limits": {"cpu": "1"}}),
    _Sample("database.local.storage.size", "5Gi"),
    _Sample("database.local.storage.storageClassName", "fast"),
    _Sample("deletionPolicy", "Delete"),
    _Sample("deployment.kind", "StatefulSet"),
    _Sample("deployment.patch", {"spec": {"minReadySeconds": 5}}),
    _Sample("monitoring.enabled", True),
    _Sample("monitoring.interval", "30s", _MONITORING),
    _Sample("monitoring.labels", {"a": "b"}, _MONITORING),
    _Sample("networkPolicies.enabled", False),
)
_OTHERWISE_TOLD: Final = {
    "flavours",
    "rawRuntimeConfig.backstageConfig",
    "rawRuntimeConfig.localDbConfig",
}
"""What they name is a layer by itself, and told as one."""

_WORLDS: Final = tuple(
    {"platform": platform, "images": resources.Images(plugin_installer=installer)}
    for platform in (resources.Platform(), OPENSHIFT)
    for installer in ("", "installer:1")
)


def _inputs(spec: Document, world: Mapping[str, Any]) -> resources.Inputs:
    given = inputs(
        spec,
        files=_FILES,
        config_maps={
            "authorities": {"ca.crt": "PEM", "other.crt": "PEM"},
            "config": {"app-config.yaml": "app: {title: mine}\n"},
            "envs": {"B": "b"},
            "files": {"a": "a"},
            "plugins": {
                "dynamic-plugins.yaml": "plugins:\n- package: oci://e.test/other:1\n"
                "  pluginConfig: {b: 1}\n  dependencies: [{ref: flows}]\n"
            },
        },
        secrets={
            "authorities": {"ca.crt": "PEM"},
            "database": COORDINATES,
            "secret": {"A": "a"},
        },
        claims=frozenset({"claim"}),
        **world,
    )
    default = msgspec.structs.replace(
        given.default, plugin_dependencies={"flows.yaml": _DEPENDENCY}
    )
    return msgspec.structs.replace(given, default=default)


def _is_below(path: str, field: str) -> bool:
    return f"{path}.".startswith(f"{field}.")


def _told(sample: _Sample, world: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the fields at or above the sample that each object is said to be of."""
    given = _inputs(sample.spec, world)
    composition = resources.compose(given)
    layers = resources.explain(given, composition)
    fields = {
        key: {line.removeprefix("spec.") for line in lines if line.startswith("spec.")}
        for key, lines in layers.items()
    }
    return {
        key: {field for field in found if _is_below(sample.path, field)}
        for key, found in fields.items()
    }


def _changed(sample: _Sample, world: Mapping[str, Any]) -> set[str]:
    """Return the objects that are another one, or there at all, for the sample."""
    before = resources.compose(_inputs(sample.beside, world))
    after = resources.compose(_inputs(sample.spec, world))
    assert (before.faults, after.faults) == ((), ())
    return {
        key
        for key, document in after.documents.items()
        if document != before.documents.get(key)
    }


def _fields_of(node: inspect.Type, path: str) -> Iterator[str]:
    """Yield the paths of the fields below a type that are no objects themselves."""
    while isinstance(node, inspect.Metadata):
        node = node.type
    if not isinstance(node, inspect.StructType):
        yield path
        return
    for field in node.fields:
        yield from _fields_of(field.type, f"{path}.{field.encode_name}".lstrip("."))


def test_there_is_a_sample_of_every_field() -> None:
    every = set(_fields_of(inspect.type_info(api.BackstageSpec), ""))

    assert {sample.path for sample in _SAMPLES} == every - _OTHERWISE_TOLD


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda sample: sample.path)
def test_an_object_that_a_field_changes_is_said_to_come_from_it(
    sample: _Sample,
) -> None:
    untold = {
        key
        for world in _WORLDS
        for key in _changed(sample, world)
        if not _told(sample, world)[key]
    }

    assert untold == set()


def test_no_object_is_said_to_come_from_a_field_that_changes_nothing_of_it() -> None:
    told: set[tuple[str, str]] = set()
    true: set[tuple[str, str]] = set()
    for sample in _SAMPLES:
        for world in _WORLDS:
            changed = _changed(sample, world)
            for key, fields in _told(sample, world).items():
                pairs = {(key, field) for field in fields}
                told |= pairs
                true |= pairs if key in changed else set()

    assert told - true == set()
