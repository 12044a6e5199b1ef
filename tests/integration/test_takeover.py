"""The portals of the Go operator pass into our hands, and do not notice.

Each recording of which the Go operator made a portal is put into a namespace as
it left it: its objects, applied by its field manager. Then our operator starts.
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

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox, load

from .conftest import install
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane

GO: Final = "backstage-controller"
PASSWORD: Final = base64.b64encode(b"made by the Go operator").decode()
WORKLOADS: Final = (kube.DEPLOYMENT, kube.STATEFUL_SET)
LEFT_ALONE: Final = (*WORKLOADS, kube.POD, kube.SERVICE, kube.PERSISTENT_VOLUME_CLAIM)
THEIRS: Final = {"metadata": {"annotations": {"example.com/theirs": "kept"}}}
EXTENSIONS: Final = Path(__file__).parents[1] / "support" / "extensions.yaml"

_LONGEST = 63


class Group(msgspec.Struct, frozen=True):
    """Recordings of one configuration of the Go operator, on one cluster.

    ``kinds`` are those that this cluster has besides the usual ones.
    """

    names: tuple[str, ...]
    cluster: str = "sandbox"
    kinds: tuple[kube.ResourceKind, ...] = ()


GROUPS: Final = {
    "simple": Group(
        (
            "app-config",
            "bad-patch",
            "empty",
            "external-database",
            "external-database-no-secret",
            "local-database-own-secret",
            "missing-key",
        )
    ),
    "full": Group(
        (
            "dynamic-plugins",
            "empty-full",
            "extra-envs",
            "extra-files",
            "flavours-explicit",
            "idle",
            "patch",
            "patch-prepend",
            "raw-config",
            "stateful-set",
        )
    ),
    "images": Group(("images-from-environment",)),
    "openshift": Group(
        (
            "route-disabled",
            "route-host",
            "route-own-base-url",
            "route-subdomain",
            "route-tls",
        ),
        "openshift_sandbox",
        (kube.ROUTE,),
    ),
    "openshift-full": Group(
        ("empty-full-openshift",), "openshift_sandbox", (kube.ROUTE,)
    ),
    "monitoring": Group(("monitoring",), "spare_sandbox", (kube.SERVICE_MONITOR,)),
}
ENDS: Final = {
    "bad-patch": ("Config", "False", "InvalidPatch"),
    "idle": ("Deployed", "False", "Idled"),
    "missing-key": ("Config", "False", "ReferencedKeyNotFound"),
    # It mounts a claim that nobody made, on a node that there is not.
    "patch": ("Deployed", "False", "DeployInProgress"),
}
"""What is said of a portal that was not, or should not have been, deployed."""


class Portal(msgspec.Struct):
    """One recorded portal, in a namespace of its own."""

    name: str
    scene: Scene
    kinds: tuple[kube.ResourceKind, ...]

    def state(self) -> Document:
        """Return what a takeover must leave as it is."""
        found: Document = {}
        for kind in self.kinds:
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

    def wait_settled(self) -> None:
        """Wait until every workload has the pods that it wants."""
        counted = "replicas" if self.name == "patch" else "readyReplicas"

        def is_settled() -> bool:
            return all(
                (live := self.scene.get(kind, name))["status"].get("observedGeneration")
                == live["metadata"]["generation"]
                and live["status"].get(counted, 0) == live["spec"]["replicas"]
                for kind in WORKLOADS
                for name in self.scene.names(kind)
            )

        wait_until(is_settled, f"the pods in {self.scene.namespace} are not ready")

    def touch(self) -> None:
        """Set a field of somebody else on every object but the pods."""
        for kind in self.kinds:
            for name in self.scene.names(kind) if kind != kube.POD else ():
                self.scene.patch(kind, name, THEIRS)

    def wait_taken_over(self) -> None:
        self.scene.wait_condition(
            *ENDS.get(self.name, ("Deployed", "True", "Deployed"))
        )


def test_every_recording_with_a_portal_is_taken_over() -> None:
    taken = {name for group in GROUPS.values() for name in group.names}

    assert taken == {name for name in cases.NAMES if cases.case(name).applied}


@pytest.mark.parametrize("name", GROUPS)
def test_a_takeover_restarts_nothing_is_done_once_and_has_a_way_back(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    group = GROUPS[name]
    sandbox: Sandbox = request.getfixturevalue(group.cluster)
    kubeconfig = install(sandbox)
    if kube.SERVICE_MONITOR in group.kinds:
        sandbox.apply(_definitions(kube.SERVICE_MONITOR))
    with _portals(sandbox, group) as portals:
        before = _states(portals)

        with _operator(kubeconfig, tmp_path, group.names[0]) as operator:
            for portal in portals:
                portal.wait_taken_over()
        log = operator.log
        after = _states(portals, before)
        marks = {portal.name: portal.scene.mark() for portal in portals}
        with _operator(kubeconfig, tmp_path, group.names[0]) as operator:
            wait_until(
                lambda: operator.reconciles() >= len(portals), "not all are looked at"
            )
        again = {p.name: p.scene.written(marks[p.name]) for p in portals}

        for portal in portals:
            _apply_recorded(portal)
        back = _states(portals, before)

        assert after == before, log
        assert again == {portal.name: [] for portal in portals}
        assert back == before
        for portal in portals:
            assert portal.scene.foreign_writes() == []


def _states(
    portals: list[Portal], before: dict[str, Document] | None = None
) -> dict[str, Document]:
    """Return the states of portals, but for what came after ``before``."""
    found = {portal.name: portal.state() for portal in portals}
    return {
        name: {
            key: value
            for key, value in state.items()
            # What is new, such as a Service, is not in the way.
            if before is None or key in before[name]
        }
        for name, state in found.items()
    }


def _definitions(kind: kube.ResourceKind) -> list[Document]:
    group, _, _ = kind.api_version.partition("/")
    return [one for one in load(EXTENSIONS) if one["spec"]["group"] == group]


@contextmanager
def _portals(sandbox: Sandbox, group: Group) -> Iterator[list[Portal]]:
    """Let recorded portals run, with a field of somebody else, and remove them."""
    portals: list[Portal] = []
    try:
        for name in group.names:
            namespace = f"takeover-{secrets.token_hex(4)}-{name}"[:_LONGEST]
            sandbox.create_namespace(namespace)
            kinds = (*LEFT_ALONE, *group.kinds)
            portals.append(Portal(name, Scene(sandbox, namespace), kinds))
            _put(portals[-1])
        for portal in portals:
            portal.wait_settled()
            portal.touch()
        yield portals
    finally:
        for portal in portals:
            sandbox.delete_namespace(portal.scene.namespace)


def _put(portal: Portal) -> None:
    scene = portal.scene
    for document in cases.given(portal.name):
        metadata = {**document["metadata"], "namespace": scene.namespace}
        scene.sandbox.apply({**document, "metadata": metadata})
    _apply_recorded(portal)


def _apply_recorded(portal: Portal) -> None:
    """Apply what the Go operator applies, as that one does."""
    scene = portal.scene
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
