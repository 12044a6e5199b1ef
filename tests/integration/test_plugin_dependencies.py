"""What plugins depend on, on a real API server: kinds that come later, and Jobs."""

from __future__ import annotations

import importlib.resources
import shutil
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

from .conftest import StartOperator
from .process import wait_until
from .scene import ACCOUNT, Scene

pytestmark = pytest.mark.controlplane

DEPLOY = Path(__file__).parents[2] / "deploy"
PLUGIN = {"package": "./a", "dependencies": [{"ref": "flows"}]}
SPEC = {"application": {"dynamicPlugins": [PLUGIN]}}
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: '{{backstage-name}}-prepare'}
spec:
  ttlSecondsAfterFinished: 1
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: example.test/a}]
"""


@pytest.fixture
def flows(sandbox: Sandbox, scene: Scene) -> kube.ResourceKind:
    """A kind that is not served yet, and the right to use it."""
    group = f"{scene.namespace}.example.test"
    role = {"name": f"flows-{scene.namespace}"}
    rule = {
        "apiGroups": [group],
        "resources": ["flows"],
        "verbs": ["create", "delete", "get", "patch"],
    }
    api = "rbac.authorization.k8s.io"
    namespace, name = ACCOUNT
    sandbox.apply(DEPLOY / "plugin-rbac.yaml")
    sandbox.apply(
        [
            {
                "apiVersion": f"{api}/v1",
                "kind": "ClusterRole",
                "metadata": role,
                "rules": [rule],
            },
            {
                "apiVersion": f"{api}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": role,
                "roleRef": {"apiGroup": api, "kind": "ClusterRole", **role},
                "subjects": [
                    {"kind": "ServiceAccount", "namespace": namespace, "name": name}
                ],
            },
        ]
    )
    return kube.ResourceKind(f"{group}/v1", "Flow", "flows")


@pytest.fixture
def configuration(tmp_path: Path, flows: kube.ResourceKind) -> Path:
    """The configuration of the profile rhdh, with files in plugin-deps."""
    root = tmp_path / "configuration"
    profile = importlib.resources.files("backstage_op") / "default" / "rhdh"
    with importlib.resources.as_file(profile) as folder:
        shutil.copytree(folder, root)
    dependencies = root / "plugin-deps"
    dependencies.mkdir(exist_ok=True)
    flow = (
        f"apiVersion: {flows.api_version}\nkind: Flow\n"
        "metadata: {name: '{{backstage-name}}-flow'}\nspec: {a: 1}\n"
    )
    (dependencies / "flows.yaml").write_text(f"{flow}---\n{JOB}")
    return root


def test_a_kind_is_used_when_its_api_appears_and_nothing_waits_for_it(
    sandbox: Sandbox,
    scene: Scene,
    flows: kube.ResourceKind,
    configuration: Path,
    start_operator: StartOperator,
) -> None:
    start_operator(
        f"--namespace={scene.namespace}", f"--default-config={configuration}"
    )
    backstage = scene.backstage(SPEC)

    scene.wait_deployed()
    message = scene.wait_condition("Config", "False", "DependencyMissing")
    assert f"Flow of {flows.api_version}" in message

    sandbox.apply(_definition(flows))
    wait_until(lambda: _serves(sandbox, flows), f"{flows.api_version} is not served")
    scene.backstage(SPEC, annotations={"look": "again"})
    scene.wait_condition("Config", "True", "Valid")
    flow = scene.get(flows, "my-flow")
    assert flow["spec"] == {"a": 1}
    (owner,) = flow["metadata"]["ownerReferences"]
    assert owner["uid"] == backstage["metadata"]["uid"]

    scene.patch(flows, "my-flow", {"spec": {"a": 2}})
    scene.backstage(SPEC, annotations={"look": "once more"})
    wait_until(
        lambda: scene.get(flows, "my-flow")["spec"] == {"a": 1},
        "what somebody changed was not put right",
    )

    job = scene.get(kube.JOB, "my-prepare")
    assert "ttlSecondsAfterFinished" not in job["spec"]
    jobs = [event for event in scene.writes() if event.resource == "jobs"]
    assert [(event.verb, event.code) for event in jobs] == [("create", 201)]


def _serves(sandbox: Sandbox, kind: kube.ResourceKind) -> bool:
    found = sandbox.admin.get(f"/apis/{kind.api_version}") or {}
    return any(entry["name"] == kind.plural for entry in found.get("resources", ()))


def _definition(kind: kube.ResourceKind) -> Document:
    group = kind.api_version.partition("/")[0]
    open_ended = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": open_ended}}
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": kind.plural, "singular": "flow", "kind": kind.kind},
            "versions": [version],
        },
    }
