"""What a cluster's administrator puts in the way: quotas, policies, webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from backstage_op import errors, kube
from backstage_op.document import Document

from .process import wait_until
from .scene import Scene

_GROUP: Final = "admissionregistration.k8s.io/v1"


def quota(scene: Scene, trial: Document | None = None, **hard: str) -> None:
    """Allow so many objects, and return when the API server counts them.

    ``trial`` is one that it must refuse by then.
    """
    name = "limit"
    scene.apply("v1", "ResourceQuota", name, spec={"hard": hard})
    path = f"/api/v1/namespaces/{scene.namespace}/resourcequotas/{name}"
    wait_until(
        lambda: (scene.sandbox.admin.get(path) or {})["status"].get("hard") == hard,
        f"the quota {hard} is not counted",
    )
    # Those that decide learn of it by a watch, each at its own time.
    wait_until(
        lambda: trial is None or is_refused(scene, trial),
        f"the quota {hard} is not in force",
    )


def is_refused(scene: Scene, document: Document) -> bool:
    """Whether an administrator may not create an object, as a trial tells."""
    try:
        tried(scene, document)
    except errors.SandboxError:
        return True
    return False


def tried(scene: Scene, document: Document) -> Document:
    """Return what an object would be if it was created."""
    kind = scene.sandbox.admin.kind_of(document)
    made: Document = scene.sandbox.admin.request(
        "POST", kind.path(scene.namespace), params={"dryRun": "All"}, json=document
    )
    return made


@contextmanager
def validating_policy(scene: Scene, resource: str, message: str) -> Iterator[None]:
    """Deny everything that is written to a resource of the apps group."""
    rules = _rules("apps", resource)
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "false", "message": message}],
    }
    with _cluster_wide(
        _document("ValidatingAdmissionPolicy", scene, spec=spec),
        _binding("ValidatingAdmissionPolicyBinding", scene, validationActions=["Deny"]),
        scene=scene,
    ):
        yield


@contextmanager
def mutating_policy(scene: Scene, resource: str, expression: str) -> Iterator[None]:
    """Apply what a CEL expression says to everything written to a resource."""
    spec = {
        "matchConstraints": {"resourceRules": _rules("apps", resource)},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": expression},
            }
        ],
    }
    with _cluster_wide(
        _document("MutatingAdmissionPolicy", scene, spec=spec),
        _binding("MutatingAdmissionPolicyBinding", scene),
        scene=scene,
    ):
        yield


@contextmanager
def webhook_that_is_down(scene: Scene, group: str, resource: str) -> Iterator[None]:
    """Let each write to a resource ask a webhook that nobody answers for."""
    hook = {
        "name": "down.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [_rule(group, resource)],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": _selector(scene),
    }
    document = _document("ValidatingWebhookConfiguration", scene, webhooks=[hook])
    with _cluster_wide(document, scene=scene):
        yield


@contextmanager
def _cluster_wide(*documents: Document, scene: Scene) -> Iterator[None]:
    admin = scene.sandbox.admin
    remove: list[Callable[[], Any]] = []
    try:
        for document in documents:
            admin.apply(document)
            path = admin.kind_of(document).path("", scene.namespace)
            remove.append(lambda path=path: admin.request("DELETE", path))  # type: ignore[misc]
        yield
    finally:
        for undo in reversed(remove):
            undo()


def _document(kind: str, scene: Scene, **fields: Any) -> Document:
    metadata = {"name": scene.namespace}
    return {"apiVersion": _GROUP, "kind": kind, "metadata": metadata, **fields}


def _binding(kind: str, scene: Scene, **fields: Any) -> Document:
    selected = {"namespaceSelector": _selector(scene)}
    spec = {"policyName": scene.namespace, "matchResources": selected, **fields}
    return _document(kind, scene, spec=spec)


def _selector(scene: Scene) -> Document:
    return {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}}


def _rules(group: str, resource: str) -> list[Document]:
    return [_rule(group, resource)]


def _rule(group: str, resource: str) -> Document:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
    }


def service(name: str = "trial") -> Document:
    """Return a Service that is good for a trial."""
    return {
        "apiVersion": kube.SERVICE.api_version,
        "kind": kube.SERVICE.kind,
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}]},
    }


def pod(name: str = "trial") -> Document:
    """Return a Pod that is good for a trial, unless only restricted ones are."""
    return {
        "apiVersion": kube.POD.api_version,
        "kind": kube.POD.kind,
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "any"}]},
    }


def deployment(name: str = "trial") -> Document:
    """Return a Deployment that is good for a trial."""
    return _workload(kube.DEPLOYMENT, name)


def replica_set(name: str = "trial") -> Document:
    """Return a ReplicaSet that is good for a trial."""
    return _workload(kube.REPLICA_SET, name)


def _workload(kind: kube.ResourceKind, name: str) -> Document:
    labels = {"app": name}
    containers = [{"name": "main", "image": "any"}]
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": containers},
            },
        },
    }
