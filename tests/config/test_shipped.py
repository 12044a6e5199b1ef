"""The default configurations of the package hold what they promise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backstage_op.config import KEYS, PROFILES, DefaultConfig, manifests, resolve

KINDS = {
    "app-config.yaml": ("v1", "ConfigMap"),
    "db-secret.yaml": ("v1", "Secret"),
    "db-service.yaml": ("v1", "Service"),
    "db-statefulset.yaml": ("apps/v1", "StatefulSet"),
    "deployment.yaml": ("apps/v1", "Deployment"),
    "dynamic-plugins.yaml": ("v1", "ConfigMap"),
    "route.yaml": ("route.openshift.io/v1", "Route"),
    "service.yaml": ("v1", "Service"),
}

POLICIES = {"networkpolicy.yaml"}
"""Of several documents, each for the pods of the portal or the database."""

SECRET = re.compile(r"(?i)(password|secret|token|key)$")

every_profile = pytest.mark.parametrize("profile", PROFILES)
every_platform = pytest.mark.parametrize("platform", ["ocp", "k8s"])


def documents(profile: str, platform: str) -> dict[str, dict[str, Any]]:
    default = DefaultConfig.shipped(profile)
    layers = resolve(default, platform_suffix=platform)
    found = {}
    for key, kind in KINDS.items():
        if (layered := layers.one(key, [kind])) is not None:
            found[key] = layered.document
    return found


def pod(document: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    return spec


def pods(profile: str, platform: str) -> Iterator[dict[str, Any]]:
    found = documents(profile, platform)
    yield pod(found["deployment.yaml"])
    yield pod(found["db-statefulset.yaml"])


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def violations_of_restricted(spec: dict[str, Any]) -> list[str]:
    """Judge a pod by the Pod Security Standard "restricted" (v1.34)."""
    shared = spec.get("securityContext", {})
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"}
    allowed |= {"persistentVolumeClaim", "projected", "secret"}
    found = [
        field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)
    ]
    found += [
        f"volume {volume['name']}"
        for volume in spec.get("volumes", [])
        if not allowed >= volume.keys() - {"name"}
    ]
    if shared.get("runAsUser") == 0:
        found.append("pod: runAsUser")
    for container in containers(spec):
        own = container.get("securityContext", {})
        context = {**shared, **own}
        capabilities = own.get("capabilities", {})
        checks = {
            "privileged": not own.get("privileged"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": "ALL" in capabilities.get("drop", [])
            and capabilities.get("add", []) in ([], ["NET_BIND_SERVICE"]),
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser") != 0,
            "seccompProfile": context.get("seccompProfile", {}).get("type")
            in {"RuntimeDefault", "Localhost"},
            "hostPort": not any(p.get("hostPort") for p in container.get("ports", [])),
        }
        found += [
            f"{container['name']}: {name}" for name, ok in checks.items() if not ok
        ]
    return found


@every_profile
def test_every_file_is_of_a_known_key_and_platform(profile: str) -> None:
    files = DefaultConfig.shipped(profile).files

    assert {re.sub(r"\.(ocp|k8s)$", "", name) for name in files} <= set(KEYS)
    assert documents(profile, "k8s").keys() | POLICIES == POLICIES | {
        name for name in files if name.endswith(".yaml")
    }


def test_the_mandatory_objects_are_there() -> None:
    common = KINDS.keys() - {"dynamic-plugins.yaml"}

    assert documents("backstage.io", "k8s").keys() == common
    assert documents("rhdh", "k8s").keys() == KINDS.keys()


@every_profile
@every_platform
def test_pods_meet_the_restricted_standard(profile: str, platform: str) -> None:
    for spec in pods(profile, platform):
        assert violations_of_restricted(spec) == []
        assert spec["automountServiceAccountToken"] is False


@every_profile
def test_openshift_chooses_user_and_group(profile: str) -> None:
    for spec in pods(profile, "ocp"):
        for context in [spec, *containers(spec)]:
            assert not context["securityContext"].keys() & {"runAsUser", "fsGroup"}


@every_profile
def test_elsewhere_volumes_get_a_group(profile: str) -> None:
    for spec in pods(profile, "k8s"):
        assert spec["securityContext"]["fsGroup"] > 0


@every_profile
def test_every_image_has_a_tag_or_digest(profile: str) -> None:
    for spec in pods(profile, "k8s"):
        for container in containers(spec):
            last = container["image"].rpartition("/")[2]
            assert "@sha256:" in last or re.fullmatch(r"[^:]+:[\w.-]+", last)


@every_profile
@every_platform
@pytest.mark.parametrize(
    ("service", "workload"),
    [("service.yaml", "deployment.yaml"), ("db-service.yaml", "db-statefulset.yaml")],
)
def test_every_service_port_leads_to_a_port_of_a_container(
    profile: str, platform: str, service: str, workload: str
) -> None:
    found = documents(profile, platform)
    ports = [
        port
        for container in pod(found[workload])["containers"]
        for port in container["ports"]
    ]
    targets = {p["name"] for p in ports} | {p["containerPort"] for p in ports}

    for port in found[service]["spec"]["ports"]:
        assert port.get("targetPort", port["port"]) in targets


@every_profile
def test_the_route_leads_to_a_port_of_the_service(profile: str) -> None:
    found = documents(profile, "ocp")
    names = [port["name"] for port in found["service.yaml"]["spec"]["ports"]]

    assert found["route.yaml"]["spec"]["port"]["targetPort"] in names


@every_profile
def test_probes_ask_a_port_that_the_container_has(profile: str) -> None:
    (backend,) = pod(documents(profile, "k8s")["deployment.yaml"])["containers"]

    assert backend["name"] == "backstage-backend"
    names = {port["name"] for port in backend["ports"]}
    for probe, path in {
        "startupProbe": "liveness",
        "livenessProbe": "liveness",
        "readinessProbe": "readiness",
    }.items():
        request = backend[probe]["httpGet"]
        assert request["path"] == f"/.backstage/health/v1/{path}"
        assert request["port"] in names


@every_profile
@every_platform
def test_every_mounted_volume_exists(profile: str, platform: str) -> None:
    found = documents(profile, platform)
    for key in ("deployment.yaml", "db-statefulset.yaml"):
        claims = found[key]["spec"].get("volumeClaimTemplates", [])
        volumes = {volume["name"] for volume in pod(found[key]).get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in claims}
        for container in containers(pod(found[key])):
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= volumes


@every_profile
def test_data_lives_below_its_mount_not_in_its_root(profile: str) -> None:
    (database,) = pod(documents(profile, "k8s")["db-statefulset.yaml"])["containers"]
    env = {entry["name"]: entry["value"] for entry in database["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in database["volumeMounts"]}

    assert env["PGDATA"].startswith(mounts["data"] + "/")


def values_of_secrets(value: Any) -> Iterator[str]:
    """Yield each text that stands where a secret would stand."""
    if isinstance(value, list):
        for item in value:
            yield from values_of_secrets(item)
    if not isinstance(value, dict):
        return
    named = {**value, str(value.get("name")): value.get("value")}
    for key, item in named.items():
        if isinstance(item, str) and SECRET.search(key):
            yield item
        yield from values_of_secrets(item)


@every_profile
def test_no_secret_is_written_down(profile: str) -> None:
    found = documents(profile, "k8s")
    data = found["app-config.yaml"]["data"]
    config = manifests.load_value(data["default.app-config.yaml"], source="", key="")

    assert not found["db-secret.yaml"].keys() & {"data", "stringData"}
    written = set(values_of_secrets([found, config]))
    assert "${POSTGRES_PASSWORD}" in written
    assert written <= {"${POSTGRES_PASSWORD}", "${BACKEND_SECRET}"}


@every_profile
def test_the_portal_is_not_open_to_guests(profile: str) -> None:
    data = documents(profile, "k8s")["app-config.yaml"]["data"]
    config = manifests.load_value(data["default.app-config.yaml"], source="", key="")

    assert config["auth"] == {"environment": "production", "providers": {}}
    assert "dangerouslyDisableDefaultAuthPolicy" not in json.dumps(config)


@every_profile
def test_the_application_finds_the_database_by_its_environment(profile: str) -> None:
    data = documents(profile, "k8s")["app-config.yaml"]["data"]
    config = manifests.load_value(data["default.app-config.yaml"], source="", key="")

    assert config["backend"]["database"] == {
        "client": "pg",
        "connection": {
            "host": "${POSTGRES_HOST}",
            "port": "${POSTGRES_PORT}",
            "user": "${POSTGRES_USER}",
            "password": "${POSTGRES_PASSWORD}",
        },
    }


def test_plugins_are_installed_before_the_portal_starts() -> None:
    spec = pod(documents("rhdh", "k8s")["deployment.yaml"])

    (installer,) = spec["initContainers"]
    (backend,) = spec["containers"]
    shared = {m["name"] for m in installer["volumeMounts"]} & {
        m["name"] for m in backend["volumeMounts"]
    }
    assert installer["name"] == "install-dynamic-plugins"
    assert installer["image"] == backend["image"]
    assert "dynamic-plugins-root" in shared


@every_platform
def test_policies_are_about_the_pods_of_an_instance(platform: str) -> None:
    layers = resolve(DefaultConfig.shipped("rhdh"), platform_suffix=platform)

    policies = layers.many(
        "networkpolicy.yaml", [("networking.k8s.io/v1", "NetworkPolicy")]
    )

    selected = {
        policy.document["metadata"]["name"]: policy.document["spec"]["podSelector"]
        for policy in policies
    }
    assert {name.startswith("db-") for name in selected} == {True, False}
    for name, selector in selected.items():
        app = "backstage-psql" if name.startswith("db-") else "backstage"
        assert selector == {"matchLabels": {"rhdh.redhat.com/app": app}}
