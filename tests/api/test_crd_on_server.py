"""What a real API server makes of the definition and of resources.

Resources are sent as dry runs where nothing needs to be stored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from backstage_op import api, errors, sandbox

from . import specs
from .kubectl import Kubectl
from .test_decoding import recorded
from .test_rules import ACCEPTED, REFUSED

pytestmark = pytest.mark.controlplane

SEED = 20261123
RANDOM_RESOURCES = 300

RULE_FIELDS = {
    "REQUIRED_NAME": ("application", "appConfig", "configMaps", 0, "name"),
    "OPTIONAL_NAME": ("database", "authSecretName"),
    "DATA_KEY": ("application", "appConfig", "configMaps", 0, "key"),
    "MOUNT_PATH": ("application", "extraFiles", "mountPath"),
    "ENV_NAME": ("application", "extraEnvs", "envs", 0, "name"),
    "HOST": ("application", "route", "subdomain"),
    "INGRESS_HOST": ("application", "ingress", "host"),
    "ROUTE_HOST": ("application", "httpRoute", "hostnames", 0),
    "QUANTITY": ("database", "local", "storage", "size"),
    "DURATION": ("monitoring", "interval"),
    "IMAGE": ("application", "image"),
    "FLAVOUR": ("flavours", 0, "name"),
}


@pytest.fixture
def kubectl(sandbox: sandbox.Sandbox, namespace: str) -> Kubectl:
    return Kubectl(sandbox.kubeconfig, namespace)


def resource(
    name: str, spec: dict[str, Any], version: str = api.VERSION
) -> dict[str, Any]:
    return {
        "apiVersion": f"{api.GROUP}/{version}",
        "kind": api.KIND,
        "metadata": {"name": name},
        "spec": spec,
    }


def spec_with(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    node = value
    for step in reversed(path):
        if isinstance(step, int):
            node = [{"name": "a", "value": ""} | node] if "name" in node else [node]
        else:
            node = {step: node}
    spec: dict[str, Any] = node
    if path[-1] == "key":
        spec["application"]["appConfig"]["configMaps"][0]["name"] = "a"
    if path[0] == "flavours":
        del spec["flavours"][0]["value"]
    if path[-1] == "name" and "appConfig" in path:
        del spec["application"]["appConfig"]["configMaps"][0]["value"]
    return spec


def test_the_resources_of_all_recordings_are_accepted(kubectl: Kubectl) -> None:
    cases = recorded()
    resources = [
        case | {"metadata": case["metadata"] | {"name": name}}
        for name, case in cases.items()
    ]

    assert len(resources) > 30
    assert kubectl.refusals(resources) == {}


def test_random_valid_specifications_are_accepted(kubectl: Kubectl) -> None:
    print(f"seed {SEED}")
    source = specs.Specifications(SEED)
    made = {f"r{number}": source.next() for number in range(RANDOM_RESOURCES)}

    assert kubectl.refusals(resource(name, spec) for name, spec in made.items()) == {}


def test_a_stored_specification_reads_back_as_it_was_meant(kubectl: Kubectl) -> None:
    source = specs.Specifications(SEED + 1)
    made = {f"r{number}": source.next() for number in range(30)}

    _, complaint, code = kubectl.run(
        "create",
        "--filename=-",
        objects=[resource(name, spec) for name, spec in made.items()],
    )

    assert code == 0, complaint
    stored = kubectl.get("backstages")["items"]
    assert {item["metadata"]["name"]: api.decode(item).spec for item in stored} == {
        name: api.decode({"spec": spec}).spec for name, spec in made.items()
    }


def test_server_and_library_agree_on_every_example_of_a_rule(kubectl: Kubectl) -> None:
    examples = [
        (rule, text)
        for table in (ACCEPTED, REFUSED)
        for rule, texts in table.items()
        for text in texts
    ]
    by_name = {
        f"e{number}": spec_with(RULE_FIELDS[rule], text)
        for number, (rule, text) in enumerate(examples)
    }

    refused = kubectl.refusals(resource(n, spec) for n, spec in by_name.items())

    assert refused.keys() == {n for n, spec in by_name.items() if not _decodes(spec)}
    assert len(refused) == sum(map(len, REFUSED.values()))


def _decodes(spec: dict[str, Any]) -> bool:
    try:
        api.decode({"spec": spec})
    except errors.SpecError:
        return False
    return True


def app_config(**entry: Any) -> dict[str, Any]:
    return {"application": {"appConfig": {"configMaps": [{"name": "a", **entry}]}}}


def files(**lists: Any) -> dict[str, Any]:
    return {"application": {"extraFiles": lists}}


def envs(**lists: Any) -> dict[str, Any]:
    return {"application": {"extraEnvs": lists}}


def route(**fields: Any) -> dict[str, Any]:
    return {"application": {"route": fields}}


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    (app_config(name="../x"), "configMaps[0].name", "must name an object of the same"),
    (app_config(name="other/a"), "configMaps[0].name", "same namespace"),
    (app_config(key="a/b"), "configMaps[0].key", "must be a key"),
    (app_config(mountPath="/a:b"), "configMaps[0].mountPath", "without ':'"),
    (app_config(mountPath="../b"), "configMaps[0].mountPath", "without '..'"),
    (app_config(containers=[]), "configMaps[0].containers", "at least 1"),
    (app_config(containers=["a", "*"]), "containers", "already means all"),
    (app_config(containers=["*", "a"]), "containers", "already means all"),
    (app_config(containers=[""]), "containers[0]", "at least 1 chars"),
    ({"application": {"appConfig": {"configMaps": [{}]}}}, "name", "Required value"),
    (files(secrets=[{"name": "s"}]), "secrets", "needs a key or a mountPath"),
    (files(secrets=[{"name": "s", "key": ""}]), "secrets", "needs a key"),
    (files(pvcs=[{"name": "Upper"}]), "pvcs[0].name", "lower case"),
    (files(mountPath="/a/.."), "extraFiles.mountPath", "without '..'"),
    (files(configMaps=[{"name": "a"}] * 513), "configMaps", "at most 512 items"),
    (envs(envs=[{"name": "A=B", "value": ""}]), "envs[0].name", "without '='"),
    (envs(envs=[{"name": "", "value": ""}]), "envs[0].name", "one or more"),
    (envs(envs=[{"name": "A"}]), "envs[0].value", "Required value"),
    (envs(secrets=[{"name": "a", "key": "a b"}]), "secrets[0].key", "must be a key"),
    (route(host="https://a.b"), "route.host", "must be a DNS name"),
    (route(subdomain="a_b"), "route.subdomain", "must be a DNS name"),
    (route(subdomain="a." * 127), "route.subdomain", "253"),
    (
        route(tls={"certificate": "c", "externalCertificateSecretName": "s"}),
        "route.tls",
        "exclude one another",
    ),
    ({"application": {"replicas": -1}}, "replicas", "greater than or equal to 0"),
    ({"application": {"replicas": 2**63}}, "replicas", "int32"),
    ({"application": {"replicas": 1.5}}, "replicas", "int32"),
    ({"application": {"replicas": "3"}}, "replicas", "type integer"),
    ({"application": {"image": "a b"}}, "image", "without spaces"),
    ({"application": {"imagePullSecrets": ["a/b"]}}, "imagePullSecrets[0]", "same"),
    ({"application": {"dynamicPlugins": [{}]}}, "[0].package", "Required"),
    ({"application": {"dynamicPluginsConfigMapName": "A"}}, "ConfigMapName", "lower"),
    ({"database": {"authSecretName": "a/b"}}, "authSecretName", "same namespace"),
    ({"rawRuntimeConfig": {"backstageConfig": ".."}}, "backstageConfig", "same"),
    ({"flavours": [{"name": "../x"}]}, "flavours[0].name", "must name a flavour"),
    ({"flavours": [{"enabled": True}]}, "flavours[0].name", "Required value"),
    ({"deployment": {"kind": "DaemonSet"}}, "deployment.kind", "supported values"),
    ({"deployment": {"patch": "x"}}, "deployment.patch", "type object"),
]  # fmt: skip


def test_what_could_never_work_is_refused_with_a_remedy(kubectl: Kubectl) -> None:
    by_name = {f"e{number}": case for number, case in enumerate(REFUSALS)}

    refused = kubectl.refusals(resource(n, case[0]) for n, case in by_name.items())

    unexplained = {
        n: (case, refused.get(n))
        for n, case in by_name.items()
        if case[1] not in refused.get(n, "") or case[2] not in refused.get(n, "")
    }
    assert unexplained == {}


ACCEPTANCES: list[dict[str, Any]] = [
    {},
    {"application": {}, "database": {}, "deployment": {}, "monitoring": {}},
    {"application": None, "flavours": None, "rawRuntimeConfig": None},
    {"flavours": []},
    app_config(name="a" * 63 + ".b" * 95),
    app_config(key="", mountPath=""),
    app_config(mountPath="sub/dir"),
    app_config(containers=["*"]),
    app_config(containers=["a", "a"]),
    files(mountPath="relative"),
    files(configMaps=[{"name": "a"}] * 500, secrets=[{"name": "s", "key": "k"}] * 500),
    envs(envs=[{"name": "A", "value": "1"}, {"name": "A", "value": ""}]),
    envs(envs=[{"name": "A", "value": "ü\u202e\u200b😀\nline"}]),
    route(host="portal.example.com", subdomain="portal"),
    route(host="", subdomain=""),
    route(tls={"key": "k"}),
    {"database": {"enableLocalDb": False}},
    {"deployment": {"kind": "StatefulSet", "patch": {"any": {"thing": [None, 1]}}}},
]  # fmt: skip


@pytest.mark.parametrize("version", ["v1alpha5", "v1alpha4"])
def test_what_the_go_operator_accepts_is_accepted(
    kubectl: Kubectl, version: str
) -> None:
    resources = [
        resource(f"e{number}", spec, version) for number, spec in enumerate(ACCEPTANCES)
    ]

    assert kubectl.refusals(resources) == {}
    assert all(_decodes(spec) for spec in ACCEPTANCES)


@pytest.mark.parametrize(
    "name", ["a" * 63, "a" * 64, "a" * 253, "with.dots", "1-digit-first"]
)
def test_every_name_that_kubernetes_allows_is_accepted(
    kubectl: Kubectl, name: str
) -> None:
    assert kubectl.refusals([resource(name, {})]) == {}


def test_fields_of_v1alpha4_survive_a_round_trip_through_v1alpha5(
    kubectl: Kubectl,
) -> None:
    application = {"replicas": 3, "image": "a:1", "imagePullSecrets": ["p"]}
    old = resource("old", {"application": application}, "v1alpha4")

    for arguments in (
        ("create", "--filename=-"),
        ("annotate", "backstages.v1alpha5.rhdh.redhat.com", "old", "touched=1"),
        ("annotate", "backstages.v1alpha4.rhdh.redhat.com", "old", "again=1"),
    ):
        _, complaint, code = kubectl.run(*arguments, objects=[old])
        assert code == 0, complaint

    for version in ("v1alpha5", "v1alpha4"):
        stored = kubectl.get(f"backstages.{version}.rhdh.redhat.com", "old")
        assert stored["spec"] == {
            "application": application,
            "monitoring": {"enabled": False},
        }


def test_fields_of_v1alpha5_survive_an_edit_through_v1alpha4(
    kubectl: Kubectl,
) -> None:
    spec = {
        "deployment": {"kind": "StatefulSet"},
        "flavours": [{"name": "a", "enabled": False}],
        "application": {"dynamicPlugins": [{"package": "./a", "mine": 1}]},
        "monitoring": {"enabled": True},
    }
    kubectl.run("create", "--filename=-", objects=[resource("new", spec)])

    kubectl.run("annotate", "backstages.v1alpha4.rhdh.redhat.com", "new", "touched=1")

    stored = kubectl.get("backstages", "new")
    assert stored["metadata"]["annotations"] == {"touched": "1"}
    assert stored["spec"] == spec


def test_unknown_fields_are_pruned_with_a_warning(kubectl: Kubectl) -> None:
    spec = {"application": {"mountPth": "/x"}, "unknown": 1}

    _, warnings, code = kubectl.run(
        "create", "--validate=warn", "--filename=-", objects=[resource("a", spec)]
    )

    assert code == 0
    assert 'unknown field "spec.application.mountPth"' in warnings
    assert 'unknown field "spec.unknown"' in warnings
    assert kubectl.get("backstages", "a")["spec"] == {
        "application": {},
        "monitoring": {"enabled": False},
    }


def test_the_versions_that_are_not_served_are_unknown(kubectl: Kubectl) -> None:
    _, complaint, code = kubectl.run(
        "create", "--filename=-", objects=[resource("a", {}, "v1alpha3")]
    )

    assert code != 0
    assert "v1alpha3" in complaint


def test_kubectl_shows_state_reason_and_address(kubectl: Kubectl) -> None:
    kubectl.run("create", "--filename=-", objects=[resource("my", {})])
    condition = {
        "type": "Deployed",
        "status": "True",
        "reason": "Deployed",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"conditions": [condition], "url": "https://a", "observedGeneration": 1}
    assert _patch_status(kubectl, status) == ""

    output, _, _ = kubectl.run("get", "backstages")

    header, row = output.splitlines()
    assert header.split() == ["NAME", "DEPLOYED", "REASON", "URL", "AGE"]
    assert row.split()[:4] == ["my", "True", "Deployed", "https://a"]
    stored = kubectl.get("backstages", "my")
    assert stored["status"] == status
    assert api.decode(stored).status.url == "https://a"


def test_conditions_are_stored_as_they_were_computed(kubectl: Kubectl) -> None:
    kubectl.run("create", "--filename=-", objects=[resource("my", {})])
    new = api.Condition(
        type=api.ConditionType.CONFIG,
        status="False",
        reason=api.Reason.INVALID_SPEC,
        message="é" * 40_000,
        observed_generation=1,
    )
    status = api.BackstageStatus(
        conditions=api.set_conditions((), [new], datetime.now(UTC)),
        observed_generation=1,
    )

    complaint = _patch_status(kubectl, msgspec.to_builtins(status))

    assert complaint == ""
    assert api.decode(kubectl.get("backstages", "my")).status == status


def test_a_condition_without_what_kubernetes_asks_for_is_refused(
    kubectl: Kubectl,
) -> None:
    kubectl.run("create", "--filename=-", objects=[resource("my", {})])

    complaint = _patch_status(
        kubectl, {"conditions": [{"type": "Deployed", "status": "Maybe"}]}
    )

    for part in ("status", "reason", "message", "lastTransitionTime"):
        assert f"conditions[0].{part}" in complaint


def _patch_status(kubectl: Kubectl, status: Any) -> str:
    _, complaint, _ = kubectl.run(
        "patch",
        "backstages",
        "my",
        "--subresource=status",
        "--type=merge",
        "--patch-file=/dev/stdin",
        objects=[{"status": status}],
    )
    return complaint
