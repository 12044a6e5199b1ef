"""Random specifications that keep all rules, made from the models."""

from __future__ import annotations

import random
from typing import Any

from msgspec import inspect

from backstage_op import api
from backstage_op.api import rules

_EXAMPLES = {
    rules.REQUIRED_NAME: ["a", "my-config.v1", "0", "a" * 253],
    rules.OPTIONAL_NAME: ["", "a", "b.c-d"],
    rules.DATA_KEY: ["", "app-config.yaml", ".npmrc", "A_B-c", "k" * 253],
    rules.MOUNT_PATH: ["", "/", "/opt/app", "rel/dir/", "/.a/..b", "/p" * 512],
    rules.ENV_NAME: ["A", "a.b-c", "with space", "N" * 1024],
    rules.HOST: ["", "portal", "Portal.example.com"],
    rules.INGRESS_HOST: ["", "portal", "portal.example.com", "*.example.com"],
    rules.ROUTE_HOST: ["portal.example.com", "*.example.com"],
    rules.QUANTITY: ["", "1", "500m", "10Gi", "1.5G"],
    rules.DURATION: ["", "30s", "1h30m"],
    rules.IMAGE: ["", "example.test/portal:1", "a@sha256:0f"],
    rules.FLAVOUR: ["orchestrator", "_x.y", "F" * 253],
}
_EXCLUSIVE = [
    (api.RouteTls, "certificate", "externalCertificateSecretName"),
    (api.CertificateAuthority, "configMapName", "secretName"),
]
_TEXTS = ["", "x", "ü\u202e\u200b😀", "line\nline", "'\"\\{}$(A)", "0644", "null"]
_METADATA = [{}, {"example.com/a": "b", "c": ""}]
_RESOURCES = [{}, {"requests": {"cpu": "500m", "memory": 1}, "limits": {"cpu": 2}}]
_JSON: list[Any] = [
    {},
    {"spec": {"replicas": 3, "strategy": {"$patch": "replace"}}},
    {"spec": {"template": {"spec": {"containers": [{"name": "a", "env": []}]}}}},
]


class Specifications:
    """An endless source of valid specifications; the same seed, the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def next(self) -> dict[str, Any]:
        """Return a specification, as on the wire."""
        spec: dict[str, Any] = self._value(inspect.type_info(api.BackstageSpec))
        return spec

    def _value(self, node: inspect.Type) -> Any:
        match node:
            case inspect.Metadata():
                return self._annotated(node)
            case inspect.StructType():
                return self._struct(node)
            case inspect.UnionType():
                return self._value(node.types[0])
            case inspect.VarTupleType():
                return self._list(node)
            case _:
                return self._scalar(node)

    def _scalar(self, node: inspect.Type) -> Any:
        match node:
            case inspect.IntType():
                allowed = [
                    number
                    for number in (0, 1, 3, 65535, 2**31 - 1)
                    if (node.ge or 0) <= number <= (node.le or number)
                ]
                return self._random.choice(allowed)
            case inspect.BoolType():
                return self._random.random() < 0.5
            case inspect.LiteralType():
                return self._random.choice(node.values)
            case inspect.DictType(value_type=inspect.StrType()):
                return self._random.choice(_METADATA)
            case inspect.DictType():
                return self._random.choice(_JSON)
            case _:
                return self._random.choice(_TEXTS)

    def _annotated(self, node: inspect.Metadata) -> Any:
        extra = node.extra or {}
        if "rule" in extra:
            return self._random.choice(_EXAMPLES[extra["rule"]])
        if "requests" in extra.get("schema", {}).get("properties", {}):
            return self._random.choice(_RESOURCES)
        if "items" in extra:
            return [self._plugin() for _ in range(self._random.randrange(3))]
        return self._value(node.type)

    def _list(self, node: inspect.VarTupleType) -> list[Any]:
        if isinstance(node.item_type, inspect.Metadata | inspect.StrType):
            if "rule" in (getattr(node.item_type, "extra", None) or {}):
                return [self._value(node.item_type)]
            return self._random.choice([["*"], ["a"], ["backstage-backend", "b"]])
        return [self._value(node.item_type) for _ in range(self._random.randrange(4))]

    def _struct(self, node: inspect.StructType) -> dict[str, Any]:
        found = {
            field.encode_name: self._value(field.type)
            for field in node.fields
            if field.required or self._random.random() < 0.6
        }
        for secret in found.get("secrets", ()) if node.cls is api.ExtraFiles else ():
            secret["key"] = "k"
        if node.cls is api.Database and found.get("enableLocalDb", True):
            found.pop("external", None)
        for cls, field, excluded in _EXCLUSIVE:
            if node.cls is cls and found.get(field):
                found.pop(excluded, None)
        return found

    def _plugin(self) -> dict[str, Any]:
        plugin: dict[str, Any] = {"package": "oci://example.test/p:1"}
        if self._random.random() < 0.5:
            plugin |= {"disabled": False, "pluginConfig": {"a": [1, {"b": "c"}]}}
        if self._random.random() < 0.5:
            plugin |= {"dependencies": [{"ref": "argocd"}], "pullPolicy": "Always"}
        return plugin
