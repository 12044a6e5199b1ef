from __future__ import annotations

import base64

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.graph import Gate, Need

from .builders import (
    COORDINATES,
    DATABASE,
    INSTANCE,
    LABELS,
    OWNER,
    backend,
    composed,
    faults,
    inputs,
    no_key,
)

_OBJECTS = ("db-secret", "db-service", "db-statefulset")
_SELECTOR = {"rhdh.redhat.com/app": "backstage-psql-my"}


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def test_the_password_is_made_once_and_has_no_owner() -> None:
    composition = resources.compose(inputs())

    secret = next(made for made in composition.objects if made.key == "db-secret")
    assert secret.lifecycle is resources.Lifecycle.CREATE_ONCE
    assert "password" not in repr(secret)
    assert composition.documents["db-secret"] == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "backstage-psql-secret-my",
            "namespace": "team",
            "labels": LABELS,
        },
        "data": {
            "POSTGRES_PASSWORD": _encoded("password"),
            "POSTGRESQL_ADMIN_PASSWORD": _encoded("password"),
            "POSTGRES_USER": _encoded("postgres"),
            "POSTGRES_HOST": _encoded("backstage-psql-my"),
            "POSTGRES_PORT": _encoded("5432"),
        },
    }


def test_the_data_go_with_the_resource_if_the_policy_says_so() -> None:
    documents = composed({"deletionPolicy": "Delete"})

    assert documents["db-secret"]["metadata"]["ownerReferences"] == [OWNER]
    stateful_set = documents["db-statefulset"]["spec"]
    assert stateful_set["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Delete"
    }


def test_the_service_is_headless_and_selects_the_database() -> None:
    assert composed()["db-service"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "backstage-psql-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {"ports": [{"port": 5432}], "selector": _SELECTOR, "clusterIP": "None"},
    }


def test_the_stateful_set_gets_labels_service_environment_and_image() -> None:
    images = resources.Images(postgresql="pinned")

    assert composed(images=images)["db-statefulset"] == {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": "backstage-psql-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {
            "selector": {"matchLabels": _SELECTOR},
            "serviceName": "backstage-psql-my",
            "template": {
                "metadata": {"labels": _SELECTOR},
                "spec": {
                    "containers": [
                        {
                            "name": "postgresql",
                            "image": "pinned",
                            "envFrom": [
                                {"secretRef": {"name": "backstage-psql-secret-my"}}
                            ],
                        }
                    ]
                },
            },
        },
    }


def test_a_secret_of_the_user_is_used_instead_of_a_made_one() -> None:
    documents = composed(
        {"database": {"authSecretName": "pg"}}, secrets={"pg": COORDINATES}
    )

    assert "db-secret" not in documents
    pod = documents["db-statefulset"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "pg"}}]
    assert backend(documents)["envFrom"] == [{"secretRef": {"name": "pg"}}]


def test_an_external_database_makes_no_objects() -> None:
    documents = composed(
        {"database": {"enableLocalDb": False, "authSecretName": "pg"}},
        secrets={"pg": COORDINATES},
    )

    assert not documents.keys() & set(_OBJECTS)
    assert backend(documents)["envFrom"] == [{"secretRef": {"name": "pg"}}]


def test_an_external_database_needs_no_secret() -> None:
    documents = composed({"database": {"enableLocalDb": False}})

    assert "envFrom" not in backend(documents)


def test_a_secret_that_is_absent_is_a_fault() -> None:
    spec = {"database": {"authSecretName": "pg"}}

    assert faults(spec, secrets={"pg": None}) == [
        (
            'spec.database.authSecretName: Secret "pg" in namespace "team" not found; '
            "create it or remove the reference"
        )
    ]


@pytest.mark.parametrize(
    ("live", "idle", "waits"),
    [
        (None, "false", True),
        (resources.LiveWorkload(), "false", False),
        (None, "true", False),
    ],
)
def test_only_the_first_start_of_the_portal_waits_for_the_database(
    live: resources.LiveWorkload | None, idle: str, waits: bool
) -> None:
    composition = resources.compose(
        inputs(live_workload=live, annotations={"rhdh.redhat.com/idle": idle})
    )

    needs = {made.key: made.needs for made in composition.objects}
    assert (Need("db-statefulset", Gate.READY) in needs["deployment"]) is waits
    assert needs["db-statefulset"] == (Need("db-secret"), Need("db-service"))


def test_the_database_is_idled_with_the_portal() -> None:
    documents = composed(annotations={"rhdh.redhat.com/idle": "true"})

    assert documents["db-statefulset"]["spec"]["replicas"] == 0
    assert documents["deployment"]["spec"]["replicas"] == 0


def test_the_database_is_ready_when_its_pod_is() -> None:
    composition = resources.compose(inputs())
    made = next(o for o in composition.objects if o.key == "db-statefulset")

    live = made.desired() | {"status": {"replicas": 1, "readyReplicas": 0}}

    assert not made.ready(live).ready
    assert made.ready(live | {"status": {"replicas": 1, "readyReplicas": 1}}).ready


def test_a_stateful_set_without_a_container_is_a_fault() -> None:
    manifest = DATABASE["db-statefulset.yaml"] | {"spec": {}}

    assert faults(files={"db-statefulset.yaml": manifest}) == [
        (
            "default configuration (test), key db-statefulset.yaml: "
            "spec.template.spec.containers: empty; add a container"
        )
    ]


def test_a_configuration_without_the_secret_gets_it_all_the_same() -> None:
    composition = resources.compose(inputs(files={"db-secret.yaml": None}))

    assert composition.faults == ()
    assert composition.documents["db-secret"]["type"] == "Opaque"


def test_instance_is_whom_objects_belong_to() -> None:
    assert resources.instance_of(inputs().backstage) == INSTANCE


def test_the_port_is_that_of_the_service_and_entries_of_the_manifest_survive() -> None:
    files = {
        "db-service.yaml": DATABASE["db-service.yaml"]
        | {"spec": {"ports": [{"port": 1}]}},
        "db-secret.yaml": DATABASE["db-secret.yaml"]
        | {
            "data": {"A": _encoded("1"), "POSTGRES_USER": _encoded("other")},
            "stringData": {"B": "2"},
        },
    }

    secret = composed(files=files)["db-secret"]

    assert "stringData" not in secret
    assert secret["data"] == {
        "A": _encoded("1"),
        "B": _encoded("2"),
        "POSTGRES_PASSWORD": _encoded("password"),
        "POSTGRESQL_ADMIN_PASSWORD": _encoded("password"),
        "POSTGRES_USER": _encoded("postgres"),
        "POSTGRES_HOST": _encoded("backstage-psql-my"),
        "POSTGRES_PORT": _encoded("1"),
    }


@pytest.mark.parametrize(
    ("enabled", "required"),
    [
        (True, list(COORDINATES)),
        (False, [key for key in COORDINATES if key != "POSTGRESQL_ADMIN_PASSWORD"]),
    ],
)
def test_every_coordinate_that_is_missing_is_named(
    enabled: bool, required: list[str]
) -> None:
    spec = {"database": {"enableLocalDb": enabled, "authSecretName": "pg"}}

    composition = resources.compose(inputs(spec, secrets={"pg": {}}))

    assert [(fault.reason, fault.message) for fault in composition.faults] == [
        (
            "ReferencedKeyNotFound",
            no_key("spec.database.authSecretName", "Secret", "pg", key),
        )
        for key in required
    ]


def test_image_size_class_and_resources_are_those_of_the_specification() -> None:
    manifest = DATABASE["db-statefulset.yaml"]
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    spec = manifest["spec"] | {"volumeClaimTemplates": [claim]}
    local = {
        "image": "mine",
        "storage": {"size": "5Gi", "storageClassName": "fast"},
        "resources": {"limits": {"memory": "1Gi"}},
    }

    made = composed(
        {"database": {"local": local}},
        files={"db-statefulset.yaml": manifest | {"spec": spec}},
        images=resources.Images(postgresql="pinned"),
    )["db-statefulset"]

    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "mine"
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert made["spec"]["volumeClaimTemplates"] == [
        {
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "5Gi"}},
                "storageClassName": "fast",
            },
        }
    ]


def test_a_size_without_a_claim_is_a_fault() -> None:
    assert faults({"database": {"local": {"storage": {"size": "5Gi"}}}}) == [
        (
            "spec.database.local.storage: db-statefulset.yaml has no "
            'volumeClaimTemplate "data"; remove the field, or add the template'
        )
    ]


def _claiming(*names: str) -> Document:
    shipped = DATABASE["db-statefulset.yaml"]
    claims = [{"metadata": {"name": name}, "spec": {}} for name in names]
    return shipped | {"spec": shipped["spec"] | {"volumeClaimTemplates": claims}}


def test_a_claim_of_another_name_is_a_fault() -> None:
    found = faults(files={"db-statefulset.yaml": _claiming("pgdata", "wal")})

    assert found == [
        (
            "default configuration (test), key db-statefulset.yaml: "
            "spec.volumeClaimTemplates: found pgdata, wal and none called data; call "
            "the one with the data of PostgreSQL data, by which they are protected. "
            "Data that are in another claim have to be dumped and restored"
        )
    ]


@pytest.mark.parametrize("names", [(), ("data",), ("wal", "data")])
def test_a_database_has_no_claim_or_one_that_is_called_data(
    names: tuple[str, ...],
) -> None:
    assert faults(files={"db-statefulset.yaml": _claiming(*names)}) == []


def test_the_manifest_of_the_password_cannot_be_a_token() -> None:
    token = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "any",
            "annotations": {"kubernetes.io/service-account.name": "admin"},
        },
        "type": "kubernetes.io/service-account-token",
    }

    (message,) = faults(files={"db-secret.yaml": token})

    assert message == (
        'default configuration (test), key db-secret.yaml: Secret "any" is of type '
        "kubernetes.io/service-account-token, which must not reach a pod; use a Secret "
        "of your own"
    )
