from __future__ import annotations

from backstage_op.document import Document

from .builders import LABELS, OWNER, backend, composed, container, faults, not_found


def _claim(name: str, **annotations: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "annotations": {f"rhdh.redhat.com/{k}": v for k, v in annotations.items()},
        },
        "spec": {"accessModes": ["ReadWriteOnce"]},
    }


def test_a_configured_claim_is_made_and_mounted() -> None:
    claim = _claim("cache", **{"mount-path": "/cache", "containers": "*"})

    documents = composed(files={"pvcs.yaml": claim})

    assert documents["pvcs/cache"] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "backstage-pvcs-my-cache",
            "namespace": "team",
            "labels": LABELS,
            "annotations": {
                "rhdh.redhat.com/mount-path": "/cache",
                "rhdh.redhat.com/containers": "*",
                "rhdh.redhat.com/configured-name": "cache",
            },
        },
        "spec": {"accessModes": ["ReadWriteOnce"]},
    }
    mount = {"name": "backstage-pvcs-my-cache", "mountPath": "/cache"}
    assert backend(documents)["volumeMounts"] == [mount]
    assert container(documents, "install-dynamic-plugins")["volumeMounts"] == [mount]


def test_a_configured_claim_goes_with_the_resource_if_the_policy_says_so() -> None:
    documents = composed(
        {"deletionPolicy": "Delete"}, files={"pvcs.yaml": _claim("cache")}
    )

    assert documents["pvcs/cache"]["metadata"]["ownerReferences"] == [OWNER]


def test_a_claim_of_the_user_is_a_folder_of_its_name_or_at_its_path() -> None:
    documents = composed(
        {
            "application": {
                "extraFiles": {
                    "mountPath": "/extra",
                    "pvcs": [{"name": "a"}, {"name": "b", "mountPath": "c"}],
                }
            }
        },
        claims=frozenset({"a", "b"}),
    )

    assert backend(documents)["volumeMounts"] == [
        {"name": "a", "mountPath": "/extra/a", "subPath": "a"},
        {"name": "b", "mountPath": "/extra/c"},
    ]


def test_a_claim_that_does_not_exist_is_a_fault() -> None:
    spec = {"application": {"extraFiles": {"pvcs": [{"name": "a"}]}}}

    assert faults(spec) == [
        not_found("spec.application.extraFiles.pvcs[0]", "PersistentVolumeClaim", "a")
    ]
