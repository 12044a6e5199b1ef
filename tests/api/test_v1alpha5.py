from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

from backstage_op import api
from backstage_op.api import schema

WIRE_NAMES = {
    "AppConfig": "mountPath configMaps",
    "Application": "appConfig dynamicPluginsConfigMapName dynamicPlugins extraFiles "
    "extraEnvs route ingress httpRoute replicas image imagePullSecrets",
    "Backstage": "apiVersion kind metadata spec status",
    "BackstageSpec": "application database deployment flavours monitoring "
    "networkPolicies commonMetadata deletionPolicy rawRuntimeConfig",
    "BackstageStatus": "conditions observedGeneration url",
    "ClaimRef": "name mountPath containers",
    "Condition": "type status reason message observedGeneration lastTransitionTime",
    "Database": "enableLocalDb authSecretName local external",
    "DeploymentSpec": "patch kind",
    "EnvObjectRef": "name key containers",
    "EnvVar": "name value containers",
    "ExtraEnvs": "configMaps secrets envs",
    "ExtraFiles": "mountPath configMaps secrets pvcs",
    "FileObjectRef": "name key mountPath containers",
    "Flavour": "name enabled",
    "Metadata": "name namespace uid generation resourceVersion annotations labels "
    "deletionTimestamp",
    "Monitoring": "enabled interval labels",
    "NetworkPolicies": "enabled",
    "CommonMetadata": "labels annotations",
    "CertificateAuthority": "configMapName secretName key",
    "ExternalDatabase": "sslMode ca",
    "LocalDatabase": "image storage resources",
    "LocalStorage": "size storageClassName",
    "HttpRoute": "enabled parentRefs hostnames annotations",
    "Ingress": "enabled className host annotations tls",
    "IngressTls": "enabled secretName",
    "ParentRef": "name namespace sectionName port",
    "RawRuntimeConfig": "backstageConfig localDbConfig",
    "Route": "enabled host subdomain tls",
    "RouteTls": "certificate externalCertificateSecretName key caCertificate",
}


def _structs() -> dict[str, type]:
    public = {name: getattr(api, name) for name in api.__all__}
    return {
        name: value
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, msgspec.Struct)
    }


def test_wire_names_are_pinned() -> None:
    actual = {
        name: " ".join(field.encode_name for field in msgspec.structs.fields(struct))
        for name, struct in _structs().items()
    }

    assert actual == WIRE_NAMES


def test_public_names_are_sorted_and_importable() -> None:
    assert sorted(api.__all__, key=_by_kind) == api.__all__
    assert all(hasattr(api, name) for name in api.__all__)


def _by_kind(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


def test_every_field_is_described_in_a_sentence() -> None:
    missing = [
        path
        for root in (api.BackstageSpec, api.BackstageStatus)
        for path, field in _fields(schema.structural(root), root.__name__)
        if not field.get("description", "").endswith((".", ")"))
    ]

    assert missing == []


def _fields(node: schema.Schema, path: str) -> list[tuple[str, schema.Schema]]:
    found = []
    for name, field in node.get("properties", {}).items():
        here = f"{path}.{name}"
        inner = field.get("items", field)
        found += [(here, field), *_fields(inner, here)]
    return found


@pytest.mark.parametrize("part", ["absent", None, {}])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "application",
        "application.appConfig",
        "application.extraFiles",
        "application.extraEnvs",
        "application.route",
        "application.route.tls",
        "database",
        "deployment",
        "deployment.patch",
        "monitoring",
        "rawRuntimeConfig",
    ],
)
def test_absent_null_and_empty_parts_are_the_same(path: str, part: Any) -> None:
    document: dict[str, Any] = {"spec": {}}
    keys = ["spec", *path.split(".")] if path else ["spec"]
    parent = document
    for key in keys[:-1]:
        parent = parent.setdefault(key, {})
    if part != "absent":
        parent[keys[-1]] = part

    assert api.decode(document) == api.Backstage()


@pytest.mark.parametrize(
    "field", ["appConfig.configMaps", "extraFiles.pvcs", "extraEnvs.envs"]
)
@pytest.mark.parametrize("value", [None, []])
def test_absent_null_and_empty_lists_are_the_same(field: str, value: Any) -> None:
    part, name = field.split(".")

    actual = api.decode({"spec": {"application": {part: {name: value}}}})

    assert actual == api.Backstage()


def test_no_flavours_differ_from_the_default_flavours() -> None:
    assert api.decode({"spec": {}}).spec.flavours is None
    assert api.decode({"spec": {"flavours": None}}).spec.flavours is None
    assert api.decode({"spec": {"flavours": []}}).spec.flavours == ()


def test_defaults_are_those_of_the_go_operator() -> None:
    spec = api.Backstage().spec

    assert spec.application.app_config.mount_path == "/opt/app-root/src"
    assert spec.application.extra_files.mount_path == "/opt/app-root/src"
    assert spec.application.route.enabled is True
    assert spec.application.replicas is None
    assert spec.database.enable_local_db is True
    assert spec.deployment.kind == "Deployment"
    assert spec.monitoring.enabled is False
    assert api.Flavour(name="a").enabled is True


def test_zero_replicas_are_not_the_default() -> None:
    actual = api.decode({"spec": {"application": {"replicas": 0}}})

    assert actual.spec.application.replicas == 0
    assert msgspec.to_builtins(actual.spec) == {"application": {"replicas": 0}}
