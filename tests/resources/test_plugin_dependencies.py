"""What enabled plugins depend on becomes objects, and nothing else does."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from backstage_op import resources
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Gate, Need

from .builders import COORDINATES, LABELS, OWNER, inputs

_CONFIG_MAP = (
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata: {name: '{{backstage-name}}-flows'}\n"
    "data: {ns: '{{backstage-ns}}'}\n"
)
_SERVICE = (
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: a}\n"
    "spec: {ports: [{port: 5433}]}\n"
)
_SEVERAL = {
    "flows.yaml": _CONFIG_MAP,
    "flows-more.yml": "apiVersion: x/v1\nkind: Flow\nmetadata: {name: more}\n",
    "flowsheet.yaml": "apiVersion: x/v1\nkind: Flow\nmetadata: {name: not}\n",
}


def plugin(package: str, *refs: str, **fields: Any) -> dict[str, Any]:
    return {"package": package, "dependencies": [{"ref": r} for r in refs], **fields}


def made(
    *plugins: dict[str, Any],
    files: Mapping[str, str],
    spec: dict[str, Any] | None = None,
    **arguments: Any,
) -> resources.Composition:
    application = {"application": {"dynamicPlugins": list(plugins)}}
    given = inputs(application | (spec or {}), **arguments)
    default = msgspec.structs.replace(given.default, plugin_dependencies=files)
    return resources.compose(msgspec.structs.replace(given, default=default))


def documents(*plugins: dict[str, Any], **arguments: Any) -> dict[str, Document]:
    composition = made(*plugins, **arguments)
    assert composition.faults == ()
    found = composition.documents.items()
    return {key: doc for key, doc in found if key.startswith("plugin-deps/")}


def node(composition: resources.Composition, key: str) -> resources.RuntimeObject:
    (found,) = (item for item in composition.objects if item.key == key)
    return found


def test_the_objects_of_all_files_of_a_reference_are_made() -> None:
    assert documents(plugin("./a", "flows"), files=_SEVERAL) == {
        "plugin-deps/Flow/more": {
            "apiVersion": "x/v1",
            "kind": "Flow",
            "metadata": {
                "name": "more",
                "namespace": "team",
                "labels": LABELS,
                "ownerReferences": [OWNER],
            },
        },
        "plugin-deps/ConfigMap/my-flows": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "my-flows",
                "namespace": "team",
                "labels": LABELS,
                "ownerReferences": [OWNER],
            },
            "data": {"ns": "team"},
        },
    }


@pytest.mark.parametrize(
    "plugins",
    [
        [],
        [plugin("./a", "flows", disabled=True)],
        [plugin("./a", "nothing")],
        [plugin("./a", "flow")],
    ],
)
def test_nothing_else_is_made(plugins: list[dict[str, Any]]) -> None:
    assert documents(*plugins, files=_SEVERAL) == {}


def test_files_that_several_plugins_refer_to_are_used_once() -> None:
    found = documents(
        plugin("./a", "flows-more", "flows"),
        plugin("./b", "flows"),
        files=_SEVERAL,
    )

    assert list(found) == ["plugin-deps/Flow/more", "plugin-deps/ConfigMap/my-flows"]


@pytest.mark.parametrize("reference", ["ref://flows", "oci://y/flows:{{inherit}}"])
@pytest.mark.parametrize("installer", ["", "installer:1"])
def test_a_plugin_that_is_turned_on_by_a_reference_keeps_its_dependencies(
    reference: str, installer: str
) -> None:
    text = "plugins: [{package: 'oci://x/flows:1', disabled: true,"
    text += " dependencies: [{ref: flows}]}]"

    found = documents(
        {"package": reference, "enabled": True},
        files={"flows.yaml": _CONFIG_MAP},
        spec={
            "application": {
                "dynamicPluginsConfigMapName": "p",
                "dynamicPlugins": [{"package": reference, "enabled": True}],
            }
        },
        config_maps={"p": {"dynamic-plugins.yaml": text}},
        images=resources.Images(plugin_installer=installer),
    )

    assert list(found) == ["plugin-deps/ConfigMap/my-flows"]


def test_the_first_start_waits_for_the_database_and_the_portal_for_nothing() -> None:
    key = "plugin-deps/ConfigMap/my-flows"
    files = {"flows.yaml": _CONFIG_MAP}

    first = made(plugin("./a", "flows"), files=files)
    live = resources.LiveWorkload()
    later = made(plugin("./a", "flows"), files=files, live_workload=live)

    assert node(first, key).needs == (Need("db-statefulset", Gate.READY),)
    assert node(later, key).needs == ()
    for composition in (first, later):
        needs = {need.key for need in node(composition, "deployment").needs}
        assert key not in needs


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"spec": {"database": {"enableLocalDb": False}}}, "the database is external"),
        ({"annotations": {"rhdh.redhat.com/idle": "true"}}, "there is no database"),
    ],
)
def test_without_a_database_to_wait_for_nothing_waits(
    arguments: dict[str, Any], why: str
) -> None:
    files = {"flows.yaml": _CONFIG_MAP}

    composition = made(plugin("./a", "flows"), files=files, **arguments)

    assert node(composition, "plugin-deps/ConfigMap/my-flows").needs == (), why


def test_an_object_in_another_namespace_belongs_to_the_instance_by_labels() -> None:
    text = (
        "apiVersion: x/v1\nkind: Flow\n"
        "metadata: {name: a, namespace: other, labels: {mine: kept}}\n"
    )

    composition = made(plugin("./a", "f"), files={"f.yaml": text})

    key = "plugin-deps/Flow/a/other"
    item = node(composition, key)
    assert item.ref == ObjectRef("x/v1", "Flow", "other", "a")
    assert item.lifecycle is resources.Lifecycle.LABELED
    assert composition.documents[key]["metadata"] == {
        "name": "a",
        "namespace": "other",
        "labels": {
            "mine": "kept",
            **LABELS,
            "app.kubernetes.io/managed-by": "backstage-op",
            "rhdh.redhat.com/backstage-namespace": "team",
        },
    }


def test_a_job_is_made_once_and_does_not_remove_itself() -> None:
    text = (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n"
        "spec: {ttlSecondsAfterFinished: 60, template: {spec: {containers: []}}}\n"
    )

    composition = made(plugin("./a", "j"), files={"j.yaml": text})

    key = "plugin-deps/Job/j"
    assert node(composition, key).lifecycle is resources.Lifecycle.CREATE_ONCE
    assert composition.documents[key]["spec"] == {
        "template": {"spec": {"containers": []}}
    }


def test_a_secret_is_made_of_data_and_never_shown() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hush}\n"

    composition = made(plugin("./a", "s"), files={"s.yaml": text})

    key = "plugin-deps/Secret/s"
    hidden = base64.b64encode(b"hush").decode()
    assert composition.documents[key]["data"] == {"a": hidden}
    assert "hush" not in repr(node(composition, key))


def test_templates_learn_where_the_database_is() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
        "data: {at: '{{backstage-db-host}}:{{backstage-db-port}}', "
        "secret: '{{backstage-db-secret}}'}\n"
    )

    found = documents(
        plugin("./a", "a"),
        files={"a.yaml": text},
        spec={
            "database": {"authSecretName": "own"},
            "rawRuntimeConfig": {"localDbConfig": "raw"},
        },
        secrets={"own": COORDINATES},
        config_maps={"raw": {"db-service.yaml": _SERVICE}},
    )

    assert found["plugin-deps/ConfigMap/a"]["data"] == {
        "at": "backstage-psql-my:5433",
        "secret": "own",
    }


def test_what_cannot_be_used_is_a_fault() -> None:
    twice = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: my-flows}\n"
    external = {"database": {"enableLocalDb": False}}

    composition = made(
        plugin("./a", "flows", "twice", "db"),
        files={
            "flows.yaml": _CONFIG_MAP,
            "twice.yaml": twice,
            "db.yaml": "a: '{{backstage-db-host}}'",
        },
        spec=external,
    )

    assert [fault.message for fault in composition.faults] == [
        (
            "default configuration (test), key plugin-deps/twice.yaml: ConfigMap "
            "team/my-flows is in "
            "flows.yaml too; remove one"
        ),
        (
            "default configuration (test), key plugin-deps/db.yaml: placeholder "
            "backstage-db-host stands for "
            "nothing here; use backstage-name, backstage-ns"
        ),
    ]


def test_a_secret_that_is_not_base64_is_named_with_its_file() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: hush}\n---\n"
    other = "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\ndata: {a: '*'}\n"

    composition = made(plugin("./a", "s"), files={"s.yaml": text + other})

    assert [fault.message for fault in composition.faults] == [
        (
            'default configuration (test), key plugin-deps/s.yaml: Secret "t": '
            'data["a"] is not base64; use stringData for text'
        )
    ]
