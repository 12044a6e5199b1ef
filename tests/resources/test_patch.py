"""The user's patch of the workload: what it changes, and what it must not."""

from __future__ import annotations

from typing import Any, Final

import pytest

from backstage_op import api, errors, resources
from backstage_op.document import Document

from .builders import composed, config_map, container, inputs, workload

_PATH: Final = "spec.deployment.patch"
_POD: Final = f"{_PATH}.spec.template.spec"


def _patch(**fields: Any) -> Document:
    return {"deployment": {"patch": fields}}


def _pod_patch(**pod: Any) -> Document:
    return _patch(spec={"template": {"spec": pod}})


def _backend(**fields: Any) -> Document:
    return _pod_patch(containers=[{"name": "backstage-backend", **fields}])


def _pod(documents: Any) -> Any:
    return documents["deployment"]["spec"]["template"]["spec"]


def test_a_patch_is_merged_into_the_workload() -> None:
    plain = composed()["deployment"]
    spec = _patch(
        metadata={"annotations": {"team": "a"}, "labels": {"tier": "portal"}},
        spec={
            "replicas": 3,
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": {"tier": "web"}},
                "spec": {
                    "containers": [
                        {"name": "backstage-backend", "image": "mine:1"},
                        {"name": "sidecar", "image": "side:1"},
                    ],
                    "nodeSelector": {"disk": "ssd"},
                },
            },
        },
    )

    actual = composed(spec)["deployment"]

    template = plain["spec"]["template"]
    (backend,) = template["spec"]["containers"]
    assert actual == plain | {
        "metadata": plain["metadata"]
        | {
            "annotations": {"team": "a"},
            "labels": {"tier": "portal"} | plain["metadata"]["labels"],
        },
        "spec": plain["spec"]
        | {
            "replicas": 3,
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": template["metadata"]
                | {"labels": {"tier": "web"} | template["metadata"]["labels"]},
                "spec": template["spec"]
                | {
                    "containers": [
                        backend | {"image": "mine:1"},
                        {"name": "sidecar", "image": "side:1"},
                    ],
                    "nodeSelector": {"disk": "ssd"},
                },
            },
        },
    }


def test_what_identifies_the_workload_stays() -> None:
    plain = composed()["deployment"]
    spec = _patch(
        apiVersion="apps/v1",
        kind="Deployment",
        metadata={
            "name": "other",
            "namespace": "team",
            "ownerReferences": [],
            "finalizers": ["x.io/y"],
            "labels": {"app.kubernetes.io/instance": "other"},
        },
    )

    assert composed(spec)["deployment"] == plain


def test_a_patch_that_replaces_everything_is_still_the_same_object() -> None:
    spec = _patch(
        **{"$patch": "replace"},
        spec={
            "selector": {"matchLabels": {"a": "b"}},
            "template": workload()["spec"]["template"],
        },
    )

    assert composed(spec) == composed()


def test_the_image_of_a_patch_wins_over_all_others() -> None:
    spec = _backend(image="mine:1") | {"application": {"image": "spec:1"}}
    images = resources.Images(backstage="environment:1")

    documents = composed(spec, images=images)

    assert container(documents, "backstage-backend")["image"] == "mine:1"
    assert container(documents, "install-dynamic-plugins")["image"] == "spec:1"


def test_replicas_of_a_patch_win_and_an_idle_instance_has_none() -> None:
    spec = _patch(spec={"replicas": 3}) | {"application": {"replicas": 2}}
    idle = {"rhdh.redhat.com/idle": "true"}

    assert composed(spec)["deployment"]["spec"]["replicas"] == 3
    assert composed(spec, annotations=idle)["deployment"]["spec"]["replicas"] == 0


def test_a_container_of_a_patch_gets_what_all_containers_get() -> None:
    spec = _pod_patch(containers=[{"name": "sidecar", "image": "s"}]) | {
        "application": {"extraEnvs": {"envs": [{"name": "A", "value": "1"}]}}
    }
    envs = spec["application"]["extraEnvs"]["envs"]
    envs[0]["containers"] = ["*"]
    envs.append({"name": "B", "value": "2", "containers": ["sidecar"]})

    sidecar = container(composed(spec), "sidecar")

    assert sidecar["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]


def test_relative_mounts_begin_at_the_directory_of_the_patch() -> None:
    files = {"app-config.yaml": config_map("base", **{"a.yaml": ""})}

    documents = composed(_backend(workingDir="/app"), files=files)

    backend = container(documents, "backstage-backend")
    assert [mount["mountPath"] for mount in backend["volumeMounts"]] == ["/app/a.yaml"]
    assert backend["args"] == ["--config", "/app/a.yaml"]


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("", ["install-dynamic-plugins", "early", "late"]),
        ("append", ["install-dynamic-plugins", "early", "late"]),
        ("prepend", ["early", "late", "install-dynamic-plugins"]),
    ],
)
def test_init_containers_run_in_the_order_that_is_asked_for(
    mode: str, names: list[str]
) -> None:
    spec = _pod_patch(
        initContainers=[{"name": "early", "image": "e"}, {"name": "late", "image": "l"}]
    )
    annotation = "rhdh.redhat.com/deployment-patch-list-merge-mode"

    documents = composed(spec, annotations={annotation: mode})

    found = [made["name"] for made in _pod(documents)["initContainers"]]
    assert found == names


def test_directives_delete_and_replace() -> None:
    manifest = workload(
        initContainers=[
            {"name": "first", "image": "f"},
            {"name": "install-dynamic-plugins", "image": "i"},
        ],
        volumes=[{"name": "root", "ephemeral": {}}, {"name": "old", "emptyDir": {}}],
    )
    spec = _pod_patch(
        initContainers=[{"name": "first", "$patch": "delete"}],
        volumes=[
            {
                "$patch": "replace",
                "name": "root",
                "persistentVolumeClaim": {"claimName": "c"},
            }
        ],
    )

    pod = _pod(composed(spec, files={"deployment.yaml": manifest}))

    assert [made["name"] for made in pod["initContainers"]] == [
        "install-dynamic-plugins"
    ]
    assert pod["volumes"] == [
        {"name": "root", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "old", "emptyDir": {}},
    ]


def test_what_a_patch_chooses_replaces_the_alternative() -> None:
    manifest = workload(volumes=[{"name": "root", "emptyDir": {"sizeLimit": "1Gi"}}])
    manifest["spec"]["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1},
    }
    spec = _patch(
        spec={
            "strategy": {"type": "Recreate"},
            "template": {
                "spec": {
                    "volumes": [
                        {"name": "root", "persistentVolumeClaim": {"claimName": "c"}}
                    ]
                }
            },
        }
    )

    documents = composed(spec, files={"deployment.yaml": manifest})

    assert documents["deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert _pod(documents)["volumes"] == [
        {"name": "root", "persistentVolumeClaim": {"claimName": "c"}}
    ]


def _faults(
    spec: Document, **arguments: Any
) -> list[tuple[type[errors.ConfigError], str, str]]:
    found = resources.compose(inputs(spec, **arguments)).faults
    assert {fault.reason for fault in found} <= set(api.Reason)
    return [(type(fault), fault.reason, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            _pod_patch(containers=[{"image": "x"}]),
            f'{_POD}.containers[0]: the key "name" is missing; add it',
        ),
        (
            _pod_patch(containers=[{"name": "backstage-backend", "$patch": "delete"}]),
            (
                f'{_POD}.containers: leaves no container "backstage-backend"; '
                "found none; keep it, and its name"
            ),
        ),
        (
            _pod_patch(
                containers=[{"$patch": "replace"}, {"name": "portal", "image": "x"}]
            ),
            (
                f'{_POD}.containers: leaves no container "backstage-backend"; '
                "found portal; keep it, and its name"
            ),
        ),
        (
            _patch(spec={"template": {"spec": {"$patch": "delete"}}}),
            (
                f'{_POD}.containers: leaves no container "backstage-backend"; '
                "found none; keep it, and its name"
            ),
        ),
        (
            _pod_patch(containers=[{"name": "sidecar"}]),
            f"{_POD}.containers[name=sidecar].image: missing; name the image",
        ),
        (
            _backend(resources={"limits": {"memory": "10Gigs"}}),
            (
                f"{_POD}.containers[name=backstage-backend].resources.limits: "
                "expected a quantity such as 500m or 1Gi; correct the manifest"
            ),
        ),
        (
            _patch(spec={"replicas": -1}),
            (
                f"{_PATH}.spec.replicas: expected a whole number >= 0; "
                "correct the manifest"
            ),
        ),
        (
            _patch(spec={"replicas": "2"}),
            (
                f"{_PATH}.spec.replicas: expected a whole number, found a text; "
                "correct the manifest"
            ),
        ),
        (
            _pod_patch(hostNetwork="no"),
            (
                f"{_POD}.hostNetwork: expected true or false, found a text; "
                "correct the manifest"
            ),
        ),
        *(
            (
                _backend(image=image),
                (
                    f"{_POD}.containers[name=backstage-backend].image: expected an "
                    "image such as registry.example.com/name:tag; "
                    "correct the manifest"
                ),
            )
            for image in ("a b", " a", "a\n", "a@sha256:12", "a@")
        ),
        (
            _backend(image=""),
            f"{_POD}.containers[name=backstage-backend].image: missing; name the image",
        ),
        (
            _backend(env=[{"name": "A", "value": True}]),
            (
                f"{_POD}.containers[name=backstage-backend].env[name=A].value: "
                "expected a text, found true or false; correct the manifest"
            ),
        ),
        (
            _backend(args=["a", 1]),
            (
                f"{_POD}.containers[name=backstage-backend].args[1]: "
                "expected a text, found a whole number; correct the manifest"
            ),
        ),
        (
            _pod_patch(nodeSelector={"a": True}),
            (
                f"{_POD}.nodeSelector: expected a text, found true or false; "
                "correct the manifest"
            ),
        ),
        (
            _patch(spec="text"),
            (f"{_PATH}.spec: expected an object, found a text; correct the manifest"),
        ),
        (
            _patch(kind="StatefulSet"),
            (
                f"{_PATH}.kind: found StatefulSet, the workload has Deployment; "
                "remove it, and choose the kind by spec.deployment.kind"
            ),
        ),
        (
            _patch(metadata={"namespace": "other"}),
            (
                f'{_PATH}.metadata.namespace: found "other", '
                'the resource is in "team"; remove it'
            ),
        ),
        (
            _patch(spec={"volumeClaimTemplates": []}),
            (
                f"{_PATH}.spec.volumeClaimTemplates: a Deployment has no such field; "
                "remove it, or change spec.deployment.kind"
            ),
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(spec: Document, message: str) -> None:
    assert _faults(spec) == [(errors.PatchError, "InvalidPatch", message)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            _patch(spec={"selector": {"matchLabels": {"x": "y"}}}),
            f"{_PATH}.spec.selector: the selector cannot be changed; remove it",
        ),
        *(
            (
                _patch(spec={"template": {"metadata": {"labels": {label: "x"}}}}),
                (
                    f"{_PATH}.spec.template.metadata.labels[{label}]: "
                    "the selector finds the pods by this label; remove it"
                ),
            )
            for label in ("a", "rhdh.redhat.com/app")
        ),
        (
            _patch(spec={"template": {"metadata": {"labels": {"a": None}}}}),
            (
                f"{_PATH}.spec.template.metadata.labels[a]: "
                "the selector finds the pods by this label; remove it"
            ),
        ),
    ],
)
def test_a_patch_that_would_lose_the_pods_is_refused(
    spec: Document, message: str
) -> None:
    assert _faults(spec) == [(errors.ImmutableFieldError, "ImmutableField", message)]


_CONTAINER: Final = "containers[name=backstage-backend].securityContext"
_FORBIDDEN: Final = [
    (_pod_patch(hostNetwork=True), "hostNetwork", "true"),
    (_pod_patch(hostPID=True), "hostPID", "true"),
    (_pod_patch(hostIPC=True), "hostIPC", "true"),
    (_pod_patch(serviceAccountName="admin"), "serviceAccountName", "admin"),
    (_pod_patch(serviceAccount="admin"), "serviceAccount", "admin"),
    (
        _pod_patch(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        "volumes[name=v].hostPath",
        "/",
    ),
    (
        _pod_patch(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        "securityContext.seccompProfile.type",
        "Unconfined",
    ),
    (
        _pod_patch(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
        "securityContext.appArmorProfile.type",
        "Unconfined",
    ),
    (
        _pod_patch(securityContext={"windowsOptions": {"hostProcess": True}}),
        "securityContext.windowsOptions.hostProcess",
        "true",
    ),
    (
        _pod_patch(
            securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
        ),
        "securityContext.sysctls[name=kernel.msgmax]",
        "1",
    ),
    (
        _pod_patch(securityContext={"seLinuxOptions": {"type": "spc_t"}}),
        "securityContext.seLinuxOptions.type",
        "spc_t",
    ),
    (
        _pod_patch(securityContext={"seLinuxOptions": {"role": "r"}}),
        "securityContext.seLinuxOptions.role",
        "r",
    ),
    (
        _backend(securityContext={"privileged": True}),
        f"{_CONTAINER}.privileged",
        "true",
    ),
    (
        _backend(securityContext={"procMount": "Unmasked"}),
        f"{_CONTAINER}.procMount",
        "Unmasked",
    ),
    (
        _backend(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
        f"{_CONTAINER}.capabilities.add[SYS_ADMIN]",
        "SYS_ADMIN",
    ),
    (
        _backend(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        f"{_CONTAINER}.seccompProfile.type",
        "Unconfined",
    ),
    (
        _backend(ports=[{"containerPort": 7007, "hostPort": 80}]),
        "containers[name=backstage-backend].ports[containerPort=7007].hostPort",
        "80",
    ),
    (
        _pod_patch(
            initContainers=[
                {
                    "name": "i",
                    "image": "i",
                    "securityContext": {"privileged": True},
                }
            ]
        ),
        "initContainers[name=i].securityContext.privileged",
        "true",
    ),
]


@pytest.mark.parametrize(
    ("spec", "path", "value"), _FORBIDDEN, ids=[path for _, path, _ in _FORBIDDEN]
)
def test_what_an_administrator_has_to_allow_is_refused_until_he_does(
    spec: Document, path: str, value: str
) -> None:
    message = (
        f"{_POD}.{path}: found {value}; remove it, or ask the administrator to set "
        "ALLOW_PRIVILEGED_PATCHES on the operator"
    )

    assert _faults(spec) == [(errors.ForbiddenPatchError, "ForbiddenPatch", message)]
    assert _faults(spec, allow_privileged_patches=True) == []


def test_an_apparmor_annotation_is_refused_as_the_field_is() -> None:
    name = "container.apparmor.security.beta.kubernetes.io/backstage-backend"
    metadata = {"annotations": {name: "unconfined"}}

    (fault,) = _faults(_patch(spec={"template": {"metadata": metadata}}))

    assert fault[:2] == (errors.ForbiddenPatchError, "ForbiddenPatch")


@pytest.mark.parametrize(
    "spec",
    [
        _pod_patch(hostNetwork=False, serviceAccountName=None),
        _pod_patch(
            securityContext={
                "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}],
                "seccompProfile": {"type": "RuntimeDefault"},
                "seLinuxOptions": {"level": "s0:c1,c2", "type": "container_t"},
            }
        ),
        _backend(
            securityContext={
                "privileged": False,
                "procMount": "Default",
                "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            },
            ports=[{"containerPort": 7007}],
        ),
    ],
)
def test_what_a_policy_accepts_is_not_refused(spec: Document) -> None:
    assert _faults(spec) == []


def test_what_the_administrator_configured_is_not_held_against_a_patch() -> None:
    manifest = workload(
        serviceAccountName="portal",
        volumes=[{"name": "v", "hostPath": {"path": "/certificates"}}],
    )
    spec = _pod_patch(serviceAccountName="portal", nodeSelector={"disk": "ssd"})

    assert _faults(spec, files={"deployment.yaml": manifest}) == []


def test_all_faults_of_a_patch_are_told_at_once_and_nothing_is_made() -> None:
    spec = _patch(
        kind="StatefulSet",
        spec={
            "selector": {"matchLabels": {"x": "y"}},
            "template": {
                "spec": {"hostPID": True, "containers": [{"name": "sidecar"}]}
            },
        },
    )

    composition = resources.compose(inputs(spec))

    assert [fault.reason for fault in composition.faults] == [
        "InvalidPatch",
        "ImmutableField",
        "InvalidPatch",
        "ForbiddenPatch",
    ]
    assert "deployment" not in composition.documents


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": "text"},
        {"metadata": None, "spec": None},
        {"spec": []},
        {"$patch": "delete"},
        {"spec": {"template": {"spec": {"containers": "text"}}}},
        {"spec": {"template": {"spec": {"containers": ["text"]}}}},
        {"spec": {"template": {"spec": {"containers": [{"name": {}}]}}}},
        {"spec": {"template": {"spec": {"containers": [{"name": 1}]}}}},
        {"spec": {"template": {"spec": {"volumes": [{"name": "v", "hostPath": 1}]}}}},
        {"spec": {"template": {"spec": {"securityContext": "text"}}}},
        {"spec": {"template": {"metadata": {"annotations": {"a": 1}}}}},
    ],
)
def test_a_patch_of_any_shape_is_a_fault_and_never_a_crash(patch: Document) -> None:
    found = _faults({"deployment": {"patch": patch}})

    assert "InvalidPatch" in {reason for _, reason, _ in found}
    assert all(message.startswith(f"{_PATH}.") for _, _, message in found)


def test_a_stateful_set_takes_its_own_fields_from_the_patch() -> None:
    claim = {
        "metadata": {"name": "dynamic-plugins-root"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
        },
    }
    spec = {
        "deployment": {
            "kind": "StatefulSet",
            "patch": {
                "spec": {
                    "volumeClaimTemplates": [claim],
                    "podManagementPolicy": "Parallel",
                }
            },
        }
    }

    made = composed(spec, files={"app-config.yaml": config_map("base")})["deployment"]

    assert (made["kind"], made["metadata"]["name"]) == ("StatefulSet", "backstage-my")
    assert made["spec"]["volumeClaimTemplates"] == [claim]
    assert made["spec"]["podManagementPolicy"] == "Parallel"
    assert made["spec"]["serviceName"] == "headless-backstage-my"


def test_a_stateful_set_refuses_the_fields_of_a_deployment() -> None:
    patch = {"spec": {"strategy": {"type": "Recreate"}}}

    assert _faults({"deployment": {"kind": "StatefulSet", "patch": patch}}) == [
        (
            errors.PatchError,
            "InvalidPatch",
            (
                f"{_PATH}.spec.strategy: a StatefulSet has no such field; "
                "remove it, or change spec.deployment.kind"
            ),
        )
    ]


def test_place_holders_of_a_patch_say_nothing_about_what_it_is() -> None:
    patch = {
        "apiVersion": None,
        "kind": None,
        "metadata": {"name": None, "namespace": None},
    }

    assert composed({"deployment": {"patch": patch}}) == composed()


def test_variables_of_other_fields_come_after_the_patch() -> None:
    spec = _backend(env=[{"name": "A", "value": "patch"}, {"name": "B", "value": "b"}])
    envs = [{"name": "A", "value": "field"}]

    documents = composed(spec | {"application": {"extraEnvs": {"envs": envs}}})

    assert container(documents, "backstage-backend")["env"] == [
        {"name": "A", "value": "field"},
        {"name": "B", "value": "b"},
    ]
