"""``python -m demo``: deploy a Backstage on a local control plane, and watch it.

Exit code 0 if everything happened as promised, 1 if not, 2 if the control
plane cannot be had.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Final, final

from backstage_op import errors, kube, sandbox
from backstage_op.document import Document

from .cast import (
    NAMESPACE,
    ROOT,
    DemoError,
    OperatorProcess,
    condition,
    wait_until,
    writes,
)
from .objects import Objects
from .stage import Stage

_EXAMPLE: Final = ROOT / "examples" / "backstage.yaml"


@final
class Demo:
    """The story, in five acts."""

    def __init__(
        self, box: sandbox.Sandbox, operator: OperatorProcess, stage: Stage
    ) -> None:
        self._box = box
        self._operator = operator
        self._stage = stage
        self._objects: Objects | None = None
        documents = [
            {**document, "metadata": {**document["metadata"], "namespace": NAMESPACE}}
            for document in sandbox.load(_EXAMPLE)
        ]
        self._documents = documents
        self._backstage = next(d for d in documents if d["kind"] == "Backstage")
        self._config_map = next(d for d in documents if d["kind"] == "ConfigMap")
        self._name: str = self._backstage["metadata"]["name"]

    def deploy(self) -> None:
        """Apply the example, and watch until it is deployed."""
        self._stage.act(f"1. One resource: {_EXAMPLE.relative_to(ROOT)}")
        self._box.create_namespace(NAMESPACE)
        offset = self._box.audit_offset()
        self._box.apply(self._documents)
        self._objects = objects = Objects.of(self._box, NAMESPACE, self._name)
        with self._stage.board() as board:

            def is_deployed() -> bool:
                rows = objects.look()
                board.show(rows)
                is_settled = all(state == "ok" for state, _ in rows.values())
                return is_settled and self._condition()["status"] == "True"

            wait_until(is_deployed, "Deployed is True")
        self._wait_told(1)
        self._stage.say(f"Deployed=True after {len(writes(self._box, offset))} writes")

    def change(self) -> None:
        """Change the user's ConfigMap: exactly one rollout follows."""
        name = self._config_map["metadata"]["name"]
        self._stage.act(f"2. A change of the ConfigMap {name}: exactly one rollout")
        before = self._deployment()
        offset = self._box.audit_offset()
        data = {
            key: text + "# changed by the demo\n"
            for key, text in self._config_map["data"].items()
        }
        self._box.apply([{**self._config_map, "data": data}])
        wait_until(
            lambda: _generation(self._deployment()) > _generation(before),
            "the Deployment changes",
        )
        wait_until(
            lambda: (
                self._condition()["status"] == "True"
                and _is_rolled_out(self._deployment())
            ),
            "Deployed is True again",
        )
        self._wait_told(2)
        after = self._deployment()
        rollouts = _generation(after) - _generation(before)
        patched = [e for e in writes(self._box, offset) if e.resource == "deployments"]
        if rollouts != 1 or len(patched) != 1:
            raise DemoError(f"{rollouts} rollouts, {len(patched)} writes, not one")
        self._stage.say(f"{rollouts} rollout, because of ConfigMap {name}:")
        self._stage.say(f"  its digest was {_checksum(before)[:16]}…")
        self._stage.say(f"  and is now     {_checksum(after)[:16]}…")

    def repeat(self) -> None:
        """Reconcile once more: nothing is written."""
        self._stage.act("3. The reconcile again: nothing is written")
        offset = self._box.audit_offset()
        before = self._operator.reconciles()
        metadata = {
            "name": self._name,
            "namespace": NAMESPACE,
            "annotations": {"demo/again": "please"},
        }
        self._box.apply([{**self._backstage, "metadata": metadata}])
        wait_until(
            lambda: self._operator.reconciles() > before, "the operator looked again"
        )
        count = len(writes(self._box, offset))
        if count:
            raise DemoError(f"{count} writes, not none")
        self._stage.say("0 writes")

    def delete(self) -> None:
        """Delete the resource, and see what goes and what stays."""
        self._stage.act("4. The resource is deleted: what goes, what stays")
        assert self._objects is not None  # noqa: S101 - deploy() came first
        objects = self._objects
        before = objects.remaining()
        path = kube.BACKSTAGE.path(NAMESPACE, self._name)
        self._box.admin.request("DELETE", path)
        wait_until(lambda: len(objects.remaining()) <= 1, "owned objects are collected")
        kept = objects.remaining()
        for name in before:
            self._stage.say(f"{'kept' if name in kept else 'gone':5} {name}")
        claims = self._box.admin.get(kube.PERSISTENT_VOLUME_CLAIM.path(NAMESPACE))
        for claim in (claims or {}).get("items", []):
            self._stage.say(
                f"kept  PersistentVolumeClaim {NAMESPACE}/{claim['metadata']['name']}"
            )
        self._stage.say(
            "The data outlives the resource, and so must the password that opens it."
        )

    def _wait_told(self, times: int) -> None:
        """Wait until it was told so often that a rollout is complete.

        That is the last thing that the operator writes about one.
        """

        def is_told() -> bool:
            listing = self._box.admin.get(kube.EVENT.path(NAMESPACE)) or {}
            told = [event["reason"] for event in listing.get("items", ())]
            return told.count("Deployed") >= times

        wait_until(is_told, "an Event tells of the rollout")

    def _get(self, kind: kube.ResourceKind, name: str) -> Document:
        found: Document | None = self._box.admin.get(kind.path(NAMESPACE, name))
        return found or {}

    def _condition(self) -> Document:
        found = condition(self._get(kube.BACKSTAGE, self._name), "Deployed")
        return found or {"status": "Unknown"}

    def _deployment(self) -> Document:
        return self._get(kube.DEPLOYMENT, f"backstage-{self._name}")


def main() -> None:
    """Play the demo."""
    parser = argparse.ArgumentParser(prog="nox -s demo --", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave the control plane running"
    )
    parser.add_argument(
        "--offline", action="store_true", help="fetch no binaries, build them"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="save what is shown as an SVG"
    )
    options = parser.parse_args()
    stage = Stage(is_recorded=options.picture is not None)
    try:
        _play(stage, keep=options.keep, offline=options.offline)
        if options.picture is not None:
            stage.save_picture(options.picture)
    except errors.SandboxError as error:
        sys.exit(_complain(error, 2))
    except errors.OperatorError as error:
        sys.exit(_complain(error, 1))


def _play(stage: Stage, *, keep: bool, offline: bool) -> None:
    stage.act("0. A real control plane, and the operator with its own rights")
    manifests = [ROOT / "crd", *_operator_manifests()]
    box = sandbox.start(offline=offline, manifests=manifests, on_progress=stage.say)
    with contextlib.ExitStack() as ending:
        ending.callback(box.stop)
        operator = OperatorProcess(box)
        ending.callback(operator.stop)
        operator.wait_ready()
        stage.say(f"operator ready, process {operator.pid}")
        demo = Demo(box, operator, stage)
        demo.deploy()
        demo.change()
        demo.repeat()
        if keep:
            _leave(stage, box, operator)
            ending.pop_all()
            return
        demo.delete()
        stage.act("5. The end")
    stage.say("the operator stopped with exit code 0, and the control plane stopped")


def _operator_manifests() -> list[Path]:
    return [ROOT / "deploy" / "namespace.yaml", ROOT / "deploy" / "rbac.yaml"]


def _leave(stage: Stage, box: sandbox.Sandbox, operator: OperatorProcess) -> None:
    """Let everything run on, and say how to use and how to end it."""
    box.detach()
    stage.act("Everything runs on")
    stage.say(f"export KUBECONFIG={box.kubeconfig}")
    stage.say(f"kubectl -n {NAMESPACE} get backstage,deploy,sts,svc,cm,secret")
    supervisor = box.pids["supervisor"]
    stage.say(f"to end it: kill {operator.pid} {supervisor}")


def _generation(document: Document) -> int:
    return int((document.get("metadata") or {}).get("generation", 0))


def _checksum(deployment: Document) -> str:
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    return str(annotations["rhdh.redhat.com/ext-config-hash"])


def _is_rolled_out(deployment: Document) -> bool:
    status = deployment.get("status") or {}
    return bool(
        status.get("observedGeneration") == _generation(deployment)
        and status.get("updatedReplicas") == status.get("replicas")
        and status.get("availableReplicas") == status.get("replicas")
    )


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"Error: {error}\n")
    return code


if __name__ == "__main__":
    main()
