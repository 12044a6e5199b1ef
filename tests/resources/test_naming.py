from __future__ import annotations

import re
from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.resources import naming

from .builders import INSTANCE, LABELS, OWNER, composed, inputs

_LONG = "a" * 253
_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (naming.app_name, "backstage-my"),
        (naming.service_name, "backstage-my"),
        (naming.database_name, "backstage-psql-my"),
        (naming.database_secret_name, "backstage-psql-secret-my"),
        (naming.dynamic_plugins_name, "backstage-dynamic-plugins-my"),
        (naming.checksum_key_name, "backstage-checksum-key-my"),
    ],
)
def test_names_are_those_of_the_go_operator(name: Any, expected: str) -> None:
    assert name("my") == expected


@pytest.mark.parametrize("cr", ["a" * 63, _LONG, "my.portal", "a" * 62 + "."])
def test_every_name_is_legal_for_its_kind(cr: str) -> None:
    assert _DNS_LABEL.fullmatch(naming.service_name(cr))
    assert _DNS_LABEL.fullmatch(naming.database_name(cr))
    assert len(naming.database_name(cr)) <= 52
    for name in (
        naming.app_name(cr),
        naming.database_secret_name(cr),
        naming.dynamic_plugins_name(cr),
        naming.checksum_key_name(cr),
        naming.part_name("backstage-appconfig", cr, "b" * 200),
    ):
        assert len(name) <= 253
    labels = {
        **naming.common_labels(cr),
        **naming.app_label(cr),
    }
    assert all(len(value) <= 63 for value in labels.values())
    assert all(value[-1].isalnum() for value in labels.values() if cr[-1] != ".")


def test_a_name_that_fits_exactly_is_kept() -> None:
    assert naming.service_name("a" * 53) == f"backstage-{'a' * 53}"
    assert naming.database_name("a" * 37) == f"backstage-psql-{'a' * 37}"


@pytest.mark.parametrize(
    ("one", "other"),
    [("a" * 100 + "1", "a" * 100 + "2"), ("my.portal", "my-portal")],
)
def test_names_that_are_cut_do_not_meet(one: str, other: str) -> None:
    for name in (naming.service_name, naming.database_name):
        assert name(one) != name(other)


def test_a_resource_with_the_longest_label_as_name_is_deployed() -> None:
    composition = resources.compose(inputs(name="a" * 63))

    assert composition.faults == ()
    names = {d["kind"]: d["metadata"]["name"] for d in composition.documents.values()}
    assert names["Deployment"] == f"backstage-{'a' * 63}"
    assert len(names["Service"]) == 63


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", "plain"),
        ("With.Dots_and--dashes", "with-dots-and-dashes"),
        ("-edges-", "edges"),
        ("a" * 80, "a" * 63),
    ],
)
def test_a_volume_is_called_like_its_object(name: str, expected: str) -> None:
    assert naming.volume_name("ConfigMap", name, {}) == expected


def test_a_volume_whose_name_is_taken_gets_one_of_its_own() -> None:
    taken: dict[str, object] = {"a-b": {}}

    names = {
        naming.volume_name("ConfigMap", "a.b", taken),
        naming.volume_name("Secret", "a.b", taken),
        naming.volume_name("ConfigMap", "a-b", taken),
    }

    assert len(names) == 3
    assert all(re.fullmatch(r"a-b-[0-9a-f]{8}", name) for name in names)


def test_a_stamped_manifest_belongs_to_the_instance_and_keeps_what_is_its_own() -> None:
    manifest: Document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "any",
            "namespace": "elsewhere",
            "labels": {"mine": "kept", "app.kubernetes.io/name": "other"},
            "annotations": {"a": "1"},
            "uid": "of-a-server",
            "resourceVersion": "7",
            "managedFields": [],
            "ownerReferences": [{"name": "somebody"}],
            "finalizers": ["x/y"],
            "creationTimestamp": None,
        },
        "data": {"k": "v", "gone": None},
        "status": {"phase": "x"},
    }

    stamped = naming.stamped(manifest, INSTANCE, "new", annotations={"b": "2"})

    assert stamped == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "new",
            "namespace": "team",
            "labels": {"mine": "kept", **LABELS},
            "annotations": {"a": "1", "b": "2"},
            "ownerReferences": [OWNER],
        },
        "data": {"k": "v"},
    }
    assert manifest["metadata"]["name"] == "any"


def test_an_object_that_outlives_the_resource_has_no_owner() -> None:
    stamped = naming.stamped({"kind": "Secret"}, INSTANCE, "s", owned=False)

    assert "ownerReferences" not in stamped["metadata"]


def test_labels_tell_whose_an_object_is() -> None:
    other = resources.Instance("other", "team", "uid2")
    labels = composed()["service"]["metadata"]["labels"]

    assert resources.carries_labels_of(INSTANCE, labels)
    assert not resources.carries_labels_of(other, labels)
    assert not resources.carries_labels_of(INSTANCE, {})
    assert resources.instance_name_of(labels) == "my"
    assert resources.instance_name_of({}) is None


def test_common_metadata_is_on_every_object_and_pod_and_replaces_nothing() -> None:
    common = {
        "labels": {"team": "a", "a": "common", "app.kubernetes.io/name": "mine"},
        "annotations": {"owner": "b", "rhdh.redhat.com/ext-config-hash": "mine"},
    }

    documents = composed({"commonMetadata": common})

    templates = [
        documents[key]["spec"]["template"]["metadata"]
        for key in ("deployment", "db-statefulset")
    ]
    for found in [*(made["metadata"] for made in documents.values()), *templates]:
        assert found["labels"]["team"] == "a"
        assert found["annotations"]["owner"] == "b"
    assert templates[0]["labels"]["a"] == "b"
    assert templates[0]["annotations"]["rhdh.redhat.com/ext-config-hash"] != "mine"
    assert documents["service"]["metadata"]["labels"] == LABELS | {
        "team": "a",
        "a": "common",
    }
