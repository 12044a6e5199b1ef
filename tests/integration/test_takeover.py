"""The portals of the Go operator pass into our hands, and do not notice.

Each recording that the Go operator deployed is put into a namespace as it left
it: its objects, applied by its field manager. Then our operator starts.
"""

from __future__ import annotations

import base64
import copy
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.recordings import cases
from tests.recordings.refusals import REFUSALS

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane

GO: Final = "backstage-controller"
PASSWORD: Final = base64.b64encode(b"made by the Go operator").decode()
WORKLOADS: Final = (kube.DEPLOYMENT, kube.STATEFUL_SET)
THEIRS: Final = {"metadata": {"annotations": {"example.com/theirs": "kept"}}}

_LONGEST = 63

GROUPS: Final = {
    "simple": (
        "app-config",
        "empty",
        "external-database",
        "external-database-no-secret",
        "local-database-own-secret",
    ),
    "full": (
        "dynamic-plugins",
        "empty-full",
        "extra-envs",
        "extra-files",
        "flavours-explicit",
        "idle",
        "patch-prepend",
        "raw-config",
    ),
    "images": ("images-from-environment",),
}
ELSEWHERE: Final = {
    "stateful-set": "is made anew, as its Service has another name",
    "monitoring": "needs a definition that this control plane does not have",
    "patch": "never became ready",
    "app-config-key-of-many": "refused by the Go operator",
    "empty-full-openshift": "needs OpenShift, as all of route-*",
}


class Portal(msgspec.Struct):
    """One recorded portal, in a namespace of its own."""

    name: str
    scene: Scene

    def state(self) -> Document:
        """Return what a takeover must leave as it is."""
        found: Document = {}
        for kind in (*WORKLOADS, kube.POD, kube.SERVICE):
            for name in self.scene.names(kind):
                metadata = self.scene.get(kind, name)["metadata"]
                found[f"{kind.kind}/{name}"] = {
                    "uid": metadata["uid"],
                    "generation": metadata.get("generation"),
                    "theirs": (metadata.get("annotations") or {}).get(
                        "example.com/theirs"
                    ),
                }
        for name in self.scene.names(kube.SECRET):
            if name.startswith("backstage-psql"):
                found[f"data/{name}"] = self.scene.get(kube.SECRET, name)["data"]
        return found


def test_every_recording_is_taken_over_or_has_a_reason() -> None:
    taken = {name for group in GROUPS.values() for name in group}
    routes = {name for name in cases.NAMES if name.startswith("route-")}

    assert taken | routes | {*REFUSALS, *ELSEWHERE} == set(cases.NAMES)


@pytest.mark.parametrize("group", GROUPS)
def test_a_takeover_restarts_nothing_and_is_done_once(
    sandbox: Sandbox, operator_kubeconfig: Path, tmp_path: Path, group: str
) -> None:
    with _portals(sandbox, GROUPS[group]) as portals:
        for portal in portals:
            _wait_settled(portal.scene)
            _touch(portal.scene)
        before = {portal.name: portal.state() for portal in portals}

        with _operator(operator_kubeconfig, tmp_path, GROUPS[group][0]) as operator:
            for portal in portals:
                _wait_taken_over(portal)
        log = operator.log
        after = {
            # What is new, such as a Service, is not in the way.
            p.name: {key: p.state().get(key) for key in before[p.name]}
            for p in portals
        }
        marks = {portal.name: portal.scene.mark() for portal in portals}
        with _operator(operator_kubeconfig, tmp_path, GROUPS[group][0]) as operator:
            wait_until(
                lambda: operator.reconciles() >= len(portals), "not all are looked at"
            )
        again = {p.name: p.scene.written(marks[p.name]) for p in portals}

        assert after == before, log
        assert again == {portal.name: [] for portal in portals}
        for portal in portals:
            assert portal.scene.foreign_writes() == []


@contextmanager
def _portals(sandbox: Sandbox, names: tuple[str, ...]) -> Iterator[list[Portal]]:
    """Put recorded portals into new namespaces, and remove them afterwards."""
    portals: list[Portal] = []
    try:
        for name in names:
            namespace = f"takeover-{secrets.token_hex(4)}-{name}"[:_LONGEST]
            sandbox.create_namespace(namespace)
            portals.append(Portal(name, Scene(sandbox, namespace)))
            _put(portals[-1])
        yield portals
    finally:
        for portal in portals:
            sandbox.delete_namespace(portal.scene.namespace)


def _put(portal: Portal) -> None:
    scene = portal.scene
    for document in cases.given(portal.name):
        metadata = {**document["metadata"], "namespace": scene.namespace}
        scene.sandbox.apply({**document, "metadata": metadata})
    uid = scene.get(kube.BACKSTAGE, "my")["metadata"]["uid"]
    case = cases.case(portal.name)
    texts = {
        cases.UID: uid,
        "RANDOM": PASSWORD,
        case.inputs.backstage.metadata.namespace: scene.namespace,
    }
    for recorded in case.applied.values():
        document = _replaced(copy.deepcopy(recorded), texts)
        document["metadata"]["namespace"] = scene.namespace
        scene.apply_as(GO, document)


def _replaced(tree: Any, texts: dict[str, str]) -> Any:
    match tree:
        case dict():
            return {key: _replaced(value, texts) for key, value in tree.items()}
        case list():
            return [_replaced(item, texts) for item in tree]
        case str():
            for old, new in texts.items():
                tree = tree.replace(old, new)
            return tree
        case _:
            return tree


def _wait_settled(scene: Scene) -> None:
    """Wait until every workload has the pods that it wants."""

    def is_settled() -> bool:
        return all(
            (live := scene.get(kind, name))["status"].get("observedGeneration")
            == live["metadata"]["generation"]
            and live["status"].get("readyReplicas", 0) == live["spec"]["replicas"]
            for kind in WORKLOADS
            for name in scene.names(kind)
        )

    wait_until(is_settled, f"the pods in {scene.namespace} are not ready")


def _touch(scene: Scene) -> None:
    """Set a field of somebody else on every workload and Service."""
    for kind in (*WORKLOADS, kube.SERVICE):
        for name in scene.names(kind):
            scene.patch(kind, name, THEIRS)


def _wait_taken_over(portal: Portal) -> None:
    reason = "Idled" if portal.name == "idle" else "Deployed"
    status = "False" if portal.name == "idle" else "True"
    portal.scene.wait_condition("Deployed", status, reason)


@contextmanager
def _operator(kubeconfig: Path, folder: Path, name: str) -> Iterator[OperatorProcess]:
    """Run an operator with the configuration of a recording."""
    environment = cases.environment(name)
    local = folder / "local"
    local.mkdir(exist_ok=True)
    link = local / "default-config"
    if not link.exists():
        link.symlink_to(cases.DATA / "default-config" / cases.configuration(name))
    process = OperatorProcess(
        kubeconfig,
        folder / "operator.log",
        (f"--default-config={local}",),
        environment=environment,
    )
    try:
        process.wait_ready()
        yield process
        process.stop()
    finally:
        process.kill()
