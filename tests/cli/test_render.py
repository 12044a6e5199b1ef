from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from backstage_op import errors
from backstage_op.cli.render import command

_EXAMPLES: Final = Path(__file__).parents[2] / "examples"
_RESOURCE: Final = """\
apiVersion: rhdh.redhat.com/v1alpha5
kind: Backstage
metadata:
  name: my
  namespace: team
spec:
"""


def render(
    *arguments: str | Path,
    stdin: str | None = None,
    environ: Mapping[str, str | None] | None = None,
) -> Result:
    return CliRunner().invoke(
        command, [str(argument) for argument in arguments], input=stdin, env=environ
    )


def objects(text: str) -> dict[str, dict[str, Any]]:
    documents = YAML(typ="safe", pure=True).load_all(text)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in documents}


def test_prints_what_would_be_applied_in_its_order() -> None:
    result = render(_EXAMPLES / "backstage.yaml")

    assert result.exit_code == 0, result.output
    assert list(objects(result.stdout)) == [
        "ConfigMap/backstage-appconfig-my-portal-default",
        "Secret/backstage-backend-secret-my-portal",
        "Secret/backstage-psql-secret-my-portal",
        "Service/backstage-psql-my-portal",
        "StatefulSet/backstage-psql-my-portal",
        "Service/backstage-my-portal",
        "Secret/backstage-checksum-key-my-portal",
        "Deployment/backstage-my-portal",
    ]


def test_json_is_a_list_of_the_same_objects() -> None:
    yaml = render(_EXAMPLES / "backstage.yaml")
    listed = json.loads(render(_EXAMPLES / "backstage.yaml", "-o", "json").stdout)

    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"] == list(objects(yaml.stdout).values())


def test_a_generated_value_is_empty_so_that_nobody_takes_it_for_a_password() -> None:
    made = objects(render(_EXAMPLES / "backstage.yaml").stdout)

    data = made["Secret/backstage-psql-secret-my-portal"]["data"]
    assert (data["POSTGRES_PASSWORD"], data["POSTGRESQL_ADMIN_PASSWORD"]) == ("", "")


def test_the_variables_of_the_operator_have_the_effect_that_they_have_on_it() -> None:
    text = (
        f"{_RESOURCE}  deployment:\n"
        "    patch: {spec: {template: {spec: {hostNetwork: true}}}}\n"
    )
    environ = {
        "RELATED_IMAGE_backstage": "example.com/portal:1",
        "RELATED_IMAGE_postgresql": "example.com/database:1",
        "RELATED_IMAGE_catalog_index": "example.com/index:1",
        "HTTP_PROXY": "http://proxy:3128",
        "ALLOW_PRIVILEGED_PATCHES": "true",
    }

    made = objects(render("-", "--profile=rhdh", stdin=text, environ=environ).stdout)

    database = made["StatefulSet/backstage-psql-my"]["spec"]["template"]["spec"]
    portal = made["Deployment/backstage-my"]["spec"]["template"]["spec"]
    (container,), (installer,) = portal["containers"], portal["initContainers"]
    assert portal["hostNetwork"] is True
    assert [
        pod["image"] for pod in (container, installer, *database["containers"])
    ] == [
        "example.com/portal:1",
        "example.com/portal:1",
        "example.com/database:1",
    ]
    assert {"name": "HTTP_PROXY", "value": "http://proxy:3128"} in container["env"]
    index = {"name": "CATALOG_INDEX_IMAGE", "value": "example.com/index:1"}
    assert index in installer["env"]


def test_the_default_configuration_is_that_of_the_operator_too(tmp_path: Path) -> None:
    result = render(
        "-", stdin=_RESOURCE, environ={"LOCALBIN": str(tmp_path / "missing")}
    )

    assert isinstance(result.exception, errors.SettingsError)
    assert str(tmp_path / "missing") in str(result.exception)


def test_several_kubeconfigs_do_not_matter_where_no_cluster_is_asked() -> None:
    result = render("-", stdin=_RESOURCE, environ={"KUBECONFIG": "/a:/b"})

    assert result.exit_code == 0, result.output


def test_explains_which_layers_an_object_comes_from() -> None:
    text = _RESOURCE + "  application: {replicas: 2}\n"

    rows = json.loads(
        render("-", "-o", "json", "--explain", "--profile", "rhdh", stdin=text).stdout
    )

    layers = {row["object"]["metadata"]["name"]: row["layers"] for row in rows}
    assert layers["backstage-checksum-key-my"] == [
        "operator",
        "its values are generated once, in the cluster",
    ]
    assert layers["backstage-my"] == [
        'default configuration (profile "rhdh")',
        'default configuration (profile "rhdh"), file deployment.yaml.k8s',
        "spec.application.replicas",
    ]


def test_explains_which_file_the_dependencies_of_plugins_come_from(
    tmp_path: Path,
) -> None:
    config = tmp_path / "default-config"
    config.mkdir()
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            "template": {
                "spec": {
                    "initContainers": [{"name": "install-dynamic-plugins"}],
                    "containers": [{"name": "backstage-backend"}],
                }
            }
        },
    }
    (config / "deployment.yaml").write_text(json.dumps(deployment))
    (config / "service.yaml").write_text("{apiVersion: v1, kind: Service}\n")
    dependencies = tmp_path / "plugin-deps"
    dependencies.mkdir()
    needed = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: needed}\n"
    (dependencies / "flows.yaml").write_text(needed)
    plugins = "{dynamicPlugins: [{package: ./a, dependencies: [{ref: flows}]}]}"
    text = f"{_RESOURCE}  application: {plugins}\n"

    found = render(
        "-", "-o", "json", "--explain", "--default-config", tmp_path, stdin=text
    )

    layers = {
        row["object"]["metadata"]["name"]: row["layers"]
        for row in json.loads(found.stdout)
    }
    assert layers["needed"] == [
        f"default configuration ({config}), file plugin-deps/flows.yaml",
        "spec.application.dynamicPlugins",
    ]


def test_what_a_resource_names_is_found_in_the_files() -> None:
    named = _RESOURCE + "  application: {extraEnvs: {secrets: [{name: mine}]}}\n"
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: mine}\n"
        "stringData: {TOKEN: t}\n---\n"
    )

    without = render("-", stdin=named)
    found = render("-", "-n", "team", stdin=secret + named)

    assert without.exit_code == 2
    assert without.stderr == (
        'Error: spec.application.extraEnvs.secrets[0]: Secret "mine" in namespace '
        '"team" not found; create it or remove the reference\n'
    )
    assert found.exit_code == 0, found.output
    deployment = objects(found.stdout)["Deployment/backstage-my"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {"secretRef": {"name": "mine"}} in container["envFrom"]


def test_a_list_from_the_cluster_is_read_item_by_item() -> None:
    resource = {
        "apiVersion": "rhdh.redhat.com/v1alpha5",
        "kind": "Backstage",
        "metadata": {"name": "my", "namespace": "team", "uid": "u"},
    }
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [resource]})

    result = render("-", stdin=text)

    made = objects(result.stdout)["Service/backstage-my"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u"


_LIVE: Final = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: backstage-my, namespace: %s}
spec:
  serviceName: of-before
  template:
    metadata:
      annotations:
        # As the Go operator leaves it if nothing is mounted: SHA-256 of nothing.
        rhdh.redhat.com/ext-config-hash: \
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
---
"""


@pytest.mark.parametrize(("namespace", "is_kept"), [("team", True), ("other", False)])
def test_what_a_workload_keeps_is_read_from_it_if_it_is_given(
    namespace: str, is_kept: bool
) -> None:
    text = _LIVE % namespace + _RESOURCE + "  deployment: {kind: StatefulSet}\n"

    made = objects(render("-", stdin=text).stdout)

    spec = made["StatefulSet/backstage-my"]["spec"]
    digest = spec["template"]["metadata"]["annotations"][
        "rhdh.redhat.com/ext-config-hash"
    ]
    assert (spec["serviceName"] == "of-before") is is_kept
    assert digest.startswith("e3b0c442") is is_kept
    assert ("Service/headless-backstage-my" in made) is not is_kept


def test_a_workload_that_the_server_would_not_store_is_refused() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: backstage-my}\n"
    resource = _RESOURCE.replace("  namespace: team\n", "")

    result = render("-", stdin=f"{text}spec: [a]\n---\n{resource}")

    assert isinstance(result.exception, errors.ManifestError)
    assert str(result.exception) == (
        'Deployment "backstage-my", key spec: not a workload as the API server '
        "stores it; remove it, or read it from the cluster"
    )


@pytest.mark.parametrize(
    "manifest",
    [
        "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: {a: b}}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: [b]}\n",
    ],
)
def test_a_manifest_that_does_not_say_which_object_it_is_is_refused(
    manifest: str,
) -> None:
    result = render("-", stdin=f"{_RESOURCE}---\n{manifest}")

    assert isinstance(result.exception, errors.SettingsError)
    assert str(result.exception).endswith(
        "metadata.name is missing, or it or metadata.namespace is no text; correct it"
    )


def test_objects_that_nothing_is_read_from_may_be_anything() -> None:
    others = "kind: Kustomization\n---\nkind: List\nitems: [a, {kind: [b]}]\n"
    foreign = "apiVersion: other/v1\nkind: Backstage\nmetadata: {name: a}\n"

    result = render("-", stdin=f"{_RESOURCE}---\n{others}---\n{foreign}")

    assert result.exit_code == 0, result.output
    assert result.stdout == render("-", stdin=_RESOURCE).stdout


@pytest.mark.parametrize("count", [0, 2])
def test_one_resource_is_rendered_at_a_time(count: int) -> None:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

    result = render("-", stdin="---\n".join([other, *[_RESOURCE] * count]))

    assert str(result.exception) == (
        f"expected one Backstage in the manifests, found {count}; render one at a time"
    )


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_the_same_bytes_whatever_the_hash_seed(form: str) -> None:
    (output,) = {_rendered(seed, form) for seed in ("0", "1", "4242")}

    assert b"backstage-psql-my-portal" in output


def _rendered(seed: str, form: str) -> bytes:
    arguments = ["render", str(_EXAMPLES / "backstage.yaml"), "-o", form, "--explain"]
    return subprocess.run(
        [sys.executable, "-m", "backstage_op", *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    ).stdout
