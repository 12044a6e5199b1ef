"""Random specifications that an instance can mostly be made from.

They keep the rules of the schema, as those of ``tests/api/specs.py`` do, and
name objects and containers that exist, mostly: what is left is what a person
could get wrong.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

from msgspec import inspect
from tests.api.specs import Specifications

from backstage_op import api, resources
from backstage_op.document import Document

CLAIM: Final = "claim"
CONFIG_MAPS: Final[Mapping[str, Mapping[str, str]]] = {
    "app": {"app-config.yaml": "app: {title: mine}\n"},
    "app.two": {
        "a.yaml": "backend: {baseUrl: https://b.example.com}\n",
        "b.yaml": "integrations: {}\n",
    },
    "files": {"one.txt": "1", "two.txt": "2"},
    "env": {"LOG_LEVEL": "debug", "COLOR": "green"},
    "plugins": {
        "dynamic-plugins.yaml": "includes: [dynamic-plugins.default.yaml]\n"
        "plugins:\n- {package: ./mine, disabled: false, pluginConfig: {a: {b: 1}}}\n"
    },
    "raw": {
        "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: any}\n"
        "spec: {ports: [{name: http, port: 8080, targetPort: 7007}]}\n"
    },
    "raw-db": {
        "db-service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: any}\n"
        "spec: {ports: [{port: 5433}]}\n"
    },
    "authorities": {"ca.crt": "-----BEGIN CERTIFICATE-----\n"},
}
SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "secret": {"token": "t", "TOKEN": "T"},
    "database": {
        "POSTGRES_HOST": "db.example.com",
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "me",
        "POSTGRES_PASSWORD": "p",
        "POSTGRESQL_ADMIN_PASSWORD": "p",
    },
    "authorities": {"ca.crt": "-----BEGIN CERTIFICATE-----\n"},
}
_NAMES: Final[Mapping[tuple[type, str], tuple[str, ...]]] = {
    (api.AppConfig, "configMaps"): ("app", "app.two"),
    (api.ExtraFiles, "configMaps"): ("files", "app.two"),
    (api.ExtraFiles, "secrets"): ("secret",),
    (api.ExtraFiles, "pvcs"): (CLAIM,),
    (api.ExtraEnvs, "configMaps"): ("env",),
    (api.ExtraEnvs, "secrets"): ("secret",),
    (api.Application, "dynamicPluginsConfigMapName"): ("", "plugins"),
    (api.Database, "authSecretName"): ("", "database"),
    (api.RawRuntimeConfig, "backstageConfig"): ("", "raw"),
    (api.RawRuntimeConfig, "localDbConfig"): ("", "raw-db"),
    (api.CertificateAuthority, "configMapName"): ("", "authorities"),
    (api.CertificateAuthority, "secretName"): ("", "authorities"),
}
"""What exists, for the fields that name it."""

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "app": ("", "app-config.yaml"),
    "app.two": ("a.yaml", "b.yaml"),
    "files": ("", "one.txt", "two.txt"),
    "env": ("", "LOG_LEVEL"),
    "secret": ("token", "TOKEN"),
}
_CONTAINERS: Final = (
    ["*"],
    ["backstage-backend"],
    ["install-dynamic-plugins"],
    ["install-dynamic-plugins", "backstage-backend"],
)
_FLAVOURS: Final = ("alpha", "beta")
_IMAGES: Final = (
    "",
    "example.test/portal:1",
    "example.test/portal@sha256:" + "0f" * 32,
)
_CONTAINER: Final[Document] = {"name": "backstage-backend"}
_PATCHES: Final[tuple[Document, ...]] = (
    {},
    {"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}},
    {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}},
    {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {**_CONTAINER, "env": [{"name": "A", "value": "patched"}]}
                    ]
                }
            }
        }
    },
    {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            **_CONTAINER,
                            "resources": {"$patch": "replace", "limits": {"cpu": "1"}},
                        },
                        {"name": "sidecar", "image": "example.test/sidecar:1"},
                    ],
                    "volumes": [{"name": "cache", "emptyDir": {}}],
                }
            }
        }
    },
    {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/initContainers": [
                        {"name": "install-dynamic-plugins"},
                        {"name": "first"},
                    ],
                    "initContainers": [{"name": "first", "image": "example.test/i:1"}],
                    "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["a.example"]}],
                }
            }
        }
    },
)
_MOSTLY: Final = 0.95


class PlausibleSpecifications(Specifications):
    """An endless source; the same seed, the same specifications."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._rng = random.Random(-seed - 1)
        self._paths = 0

    def _struct(self, node: inspect.StructType) -> dict[str, Any]:
        found = super()._struct(node)
        for field in found:
            names = _NAMES.get((node.cls, field))
            if names is not None and self._rng.random() < _MOSTLY:
                found[field] = self._named(found[field], names)
        if node.cls is api.CertificateAuthority and found.get("configMapName"):
            found.pop("secretName", None)
        if found.get("key") and node.cls is api.CertificateAuthority:
            found["key"] = self._mostly("ca.crt", found["key"])
        return self._plausible(node.cls, found)

    def _plausible(self, cls: type, found: dict[str, Any]) -> dict[str, Any]:
        if self._rng.random() > _MOSTLY:
            return found
        if "containers" in found:
            found["containers"] = self._rng.choice(_CONTAINERS)
        if found.get("mountPath"):
            self._paths += 1
            root = "" if cls is api.FileObjectRef else "/mnt/"
            found["mountPath"] = f"{root}files-{self._paths}"
        if "image" in found:
            found["image"] = self._rng.choice(_IMAGES)
        if cls is api.Flavour:
            found["name"] = self._rng.choice(_FLAVOURS)
        if cls is api.DeploymentSpec and "patch" in found:
            found["patch"] = self._rng.choice(_PATCHES)
        if found.get("replicas"):
            found["replicas"] = self._rng.choice([0, 1, 3])
        return found

    def _mostly(self, plausible: str, other: str) -> str:
        return plausible if self._rng.random() < _MOSTLY else other

    def _named(self, value: Any, names: tuple[str, ...]) -> Any:
        if not isinstance(value, list):
            return self._rng.choice(names)
        for reference in value:
            reference["name"] = name = self._rng.choice(names)
            if name in _KEYS:
                reference["key"] = self._rng.choice(_KEYS[name])
        return value

    def _plugin(self) -> dict[str, Any]:
        plugin = super()._plugin()
        plugin["package"] = f"oci://example.test/p{self._rng.randrange(3)}:1"
        if plugin.get("dependencies"):
            plugin["dependencies"] = [{"ref": "workflows"}]
        if self._rng.random() < 0.3:
            plugin |= {"integrity": "sha512-abc", "enabled": self._rng.random() < 0.5}
        return plugin


def sources() -> dict[resources.Source, resources.SourceData | None]:
    """Return what the specifications may name and exists."""
    return {
        resources.Source(kind, name): resources.SourceData(
            {key: value.encode() for key, value in data.items()}
        )
        for kind, objects in (("ConfigMap", CONFIG_MAPS), ("Secret", SECRETS))
        for name, data in objects.items()
    }
