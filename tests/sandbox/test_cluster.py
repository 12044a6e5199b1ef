from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import sandbox as sandboxes
from backstage_op.sandbox import Sandbox

pytestmark = pytest.mark.controlplane

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


def test_a_deployment_with_a_claim_becomes_available(
    sandbox: Sandbox, namespace: str
) -> None:
    claim, deployment = _in(namespace, CLAIM), _in(namespace, _deployment())

    sandbox.apply([claim, deployment])

    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/app"
    _wait(sandbox, path, lambda live: live["status"].get("availableReplicas") == 1)
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/data"
    _wait(sandbox, path, lambda live: live["status"]["phase"] == "Bound")


def test_a_pod_can_be_asked_to_wait_for_ever(sandbox: Sandbox, namespace: str) -> None:
    pod = _in(
        namespace,
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "stuck",
                "annotations": {"sandbox.backstage-op/waiting": "ImagePullBackOff"},
            },
            "spec": {"containers": [{"name": "main", "image": "absent"}]},
        },
    )

    sandbox.apply(pod)

    def waits(live: Any) -> bool:
        statuses = live["status"].get("containerStatuses") or [{}]
        waiting = statuses[0].get("state", {}).get("waiting", {})
        return bool(waiting.get("reason") == "ImagePullBackOff")

    _wait(sandbox, f"/api/v1/namespaces/{namespace}/pods/stuck", waits)


def test_a_job_completes(sandbox: Sandbox, namespace: str) -> None:
    job = _in(
        namespace,
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "once"},
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "main", "image": "any"}],
                    }
                }
            },
        },
    )

    sandbox.apply(job)

    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/once"
    _wait(sandbox, path, lambda live: live["status"].get("succeeded") == 1)


def test_what_belongs_to_a_deleted_object_is_collected(
    sandbox: Sandbox, namespace: str
) -> None:
    owner, dependent = (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        for name in ("owner", "dependent")
    )
    [stored] = sandbox.apply(_in(namespace, owner))
    belongs: dict[str, Any] = _in(namespace, dependent)
    belongs["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": stored["metadata"]["uid"],
        }
    ]
    sandbox.apply(belongs)

    folder = f"/api/v1/namespaces/{namespace}/configmaps"
    sandbox.admin.request("DELETE", f"{folder}/owner")

    sandbox.admin.wait_until(
        lambda: sandbox.admin.get(f"{folder}/dependent") is None, "it is collected"
    )


def test_a_namespace_with_a_claim_can_be_deleted(sandbox: Sandbox) -> None:
    name = f"doomed-{secrets.token_hex(4)}"
    sandbox.create_namespace(name)
    sandbox.apply([_in(name, CLAIM), _in(name, _deployment())])

    sandbox.delete_namespace(name)

    sandbox.admin.wait_until(
        lambda: sandbox.admin.get(f"/api/v1/namespaces/{name}") is None, "it is gone"
    )


def test_the_audit_log_has_who_asked_for_what(sandbox: Sandbox, namespace: str) -> None:
    before = sandbox.audit_offset()

    sandbox.apply(
        _in(
            namespace,
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "noted"}},
        )
    )

    mine = [
        (event.user, event.user_agent, event.verb, event.resource, event.code)
        for event in sandbox.audit_events(before)
        if (event.namespace, event.name) == (namespace, "noted")
    ]
    assert mine == [("admin", "backstage-op-sandbox", "patch", "configmaps", 201)]


def test_a_service_account_has_only_its_rights(
    sandbox: Sandbox, namespace: str, kubectl: str
) -> None:
    kubeconfig = sandbox.service_account_kubeconfig(namespace, "default")

    answer = subprocess.run(
        [kubectl, "--kubeconfig", kubeconfig, "-n", namespace, "get", "secrets"],
        capture_output=True,
        text=True,
        check=False,
    )

    account = f"system:serviceaccount:{namespace}:default"
    assert answer.returncode == 1
    assert f'User "{account}" cannot list resource "secrets"' in answer.stderr


def test_openshift_serves_routes_with_their_defaults(
    openshift_sandbox: Sandbox, openshift_namespace: str
) -> None:
    route = _in(
        openshift_namespace,
        {
            "apiVersion": "route.openshift.io/v1",
            "kind": "Route",
            "metadata": {"name": "web"},
            "spec": {"to": {"kind": "Service", "name": "web"}},
        },
    )

    [stored] = openshift_sandbox.apply(route)

    assert stored["spec"] == {
        "to": {"kind": "Service", "name": "web", "weight": 100},
        "wildcardPolicy": "None",
    }


def test_openshift_tells_its_domain(openshift_sandbox: Sandbox) -> None:
    ingress = openshift_sandbox.admin.get(
        "/apis/config.openshift.io/v1/ingresses/cluster"
    )

    assert ingress is not None
    assert ingress["spec"] == {"domain": "apps.example.test"}


def test_two_run_side_by_side_and_leave_nothing(sandbox: Sandbox) -> None:
    with sandboxes.start() as other:
        pids = other.pids
        directory = other.directory
        assert other.url != sandbox.url
        assert other.admin.is_ready()
        assert sandbox.admin.is_ready()

    assert not any(_is_alive(pid) for pid in pids.values())
    assert not directory.exists()
    assert sandbox.admin.is_ready()


def test_one_starts_anew_in_the_directory_of_one_that_died(tmp_path: Path) -> None:
    died = sandboxes.start(directory=tmp_path)
    died.create_namespace("old")
    pids = died.pids
    fd = os.pidfd_open(pids["supervisor"])
    os.kill(pids["kwok"], signal.SIGKILL)
    _wait_ended(fd)
    os.close(fd)
    died.stop()

    with sandboxes.start(directory=tmp_path) as started:
        assert started.admin.get("/api/v1/namespaces/old") is None


@pytest.mark.parametrize("victim", ["parent", "supervisor"])
def test_nothing_survives_the_kill_of(victim: str) -> None:
    script = """
        import sys
        from backstage_op import sandbox
        started = sandbox.start()
        print(started.directory, *started.pids.values(), flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        directory, *numbers = parent.stdout.readline().split()
        pids = [int(number) for number in numbers]
        fds = [os.pidfd_open(pid) for pid in pids]
        assert len(pids) == 6

        os.kill(parent.pid if victim == "parent" else pids[0], signal.SIGKILL)

        for fd in fds:
            _wait_ended(fd)
            os.close(fd)
    if victim == "parent":
        assert not Path(directory).exists()


def _wait_ended(fd: int) -> None:
    import select

    ready, _, _ = select.select([fd], [], [], GIVE_UP_SECONDS)
    assert ready, "a process survived"


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _wait(sandbox: Sandbox, path: str, holds: Any) -> None:
    def condition() -> bool:
        live = sandbox.admin.get(path)
        return live is not None and bool(live.get("status")) and holds(live)

    sandbox.admin.wait_until(condition, path)


def _in(namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    metadata = {**document["metadata"], "namespace": namespace}
    return {**document, "metadata": metadata}


def _deployment() -> dict[str, Any]:
    labels = {"app": "app"}
    container = {
        "name": "main",
        "image": "never-run",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": [volume]},
            },
        },
    }
