from __future__ import annotations

import msgspec
import pytest

from backstage_op import kube
from backstage_op.document import Document, ObjectRef

SECRET: Document = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "db",
        "namespace": "team",
        "uid": "u1",
        "resourceVersion": "42",
        "generation": 3,
        "labels": {"app": "x"},
        "annotations": {
            "a": "b",
            "kubectl.kubernetes.io/last-applied-configuration": '{"hunter2": 1}',
        },
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u2"},
            {
                "apiVersion": "rhdh.redhat.com/v1alpha5",
                "kind": "Backstage",
                "name": "b",
                "uid": "u3",
                "controller": True,
            },
        ],
    },
    "data": {"password": "aHVudGVyMg=="},
}

CONTROLLER = kube.OwnerReference(
    api_version="rhdh.redhat.com/v1alpha5",
    kind="Backstage",
    name="b",
    uid="u3",
    controller=True,
)


def test_the_bookkeeping_is_decoded() -> None:
    observed = kube.Observed.of(SECRET)

    assert observed == kube.Observed(
        ref=ObjectRef("v1", "Secret", "team", "db"),
        uid="u1",
        resource_version=42,
        generation=3,
        labels={"app": "x"},
        annotations={"a": "b"},
        owners=(
            kube.OwnerReference(api_version="v1", kind="ConfigMap", name="c", uid="u2"),
            CONTROLLER,
        ),
        deleting=False,
        body=msgspec.json.encode(SECRET),
    )
    assert observed.controller() == CONTROLLER
    assert observed.document() == SECRET


def test_its_text_has_no_value_of_a_secret() -> None:
    assert repr(kube.Observed.of(SECRET)) == "Observed(Secret team/db, version 42)"


def test_an_item_of_a_list_is_given_its_kind() -> None:
    body = b'{"metadata":{"name":"a","deletionTimestamp":"2024-01-01T00:00:00Z"}}'

    observed = kube.Observed.decode(body, "v1", "ConfigMap")

    assert observed.ref == ObjectRef("v1", "ConfigMap", "", "a")
    assert (observed.deleting, observed.controller()) == (True, None)
    assert observed.document()["kind"] == "ConfigMap"


def test_where_only_metadata_are_watched_there_is_no_document() -> None:
    body = msgspec.json.encode(SECRET)

    observed = kube.Observed.decode(body, "v1", "Secret", metadata_only=True)

    assert observed.body == b""
    with pytest.raises(ValueError, match="Secret team/db was watched by its metadata"):
        observed.document()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"metadata":{}}', b'{"metadata":{"name":1}}']
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        kube.Observed.decode(body, "v1", "ConfigMap")
