from __future__ import annotations

from typing import Any

import pytest

from backstage_op.document import Document

from .builders import backend, composed, config_map, faults, file, workload


def _mounts(*, shared: str | None = None, **ref: str) -> Any:
    files: Document = {"configMaps": [{"name": "c", **ref}]}
    if shared is not None:
        files["mountPath"] = shared
    documents = composed(
        {"application": {"extraFiles": files}},
        config_maps={"c": {"b": "", "a": ""}},
        files={
            "deployment.yaml": workload(
                containers=[{"name": "backstage-backend", "workingDir": "/work"}]
            )
        },
    )
    return backend(documents)["volumeMounts"]


def test_without_a_path_each_entry_is_a_file_in_the_shared_directory() -> None:
    assert _mounts(shared="/s") == [file("/s/a", "c", "a"), file("/s/b", "c", "b")]


def test_with_a_key_one_entry_is_a_file() -> None:
    assert _mounts(shared="/s", key="b") == [file("/s/b", "c", "b")]


@pytest.mark.parametrize(
    ("path", "expected"), [("/own", "/own"), ("own", "/s/own"), ("./own/", "/s/own")]
)
def test_with_only_a_path_the_object_is_a_directory(path: str, expected: str) -> None:
    assert _mounts(shared="/s", mountPath=path) == [
        {"name": "c", "mountPath": expected}
    ]


def test_with_key_and_path_one_entry_is_a_file_in_that_directory() -> None:
    mounts = _mounts(shared="/s", mountPath="d", key="a")

    assert mounts == [file("/s/d/a", "c", "a")]


def test_the_shared_directory_is_by_default_that_of_the_schema() -> None:
    assert _mounts(key="a") == [file("/opt/app-root/src/a", "c", "a")]


def test_an_empty_shared_directory_is_where_the_portal_works() -> None:
    assert _mounts(shared="", key="a") == [file("/work/a", "c", "a")]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, [{"mountPath": "/opt/app-root/src"}]),
        ({"mount-path": "/d"}, [{"mountPath": "/d"}]),
        ({"mount-path": "/d", "sub-path": ""}, [{"mountPath": "/d"}]),
        (
            {"mount-path": "/d", "sub-path": "*"},
            [
                {"mountPath": "/d/a", "subPath": "a", "readOnly": True},
                {"mountPath": "/d/b", "subPath": "b", "readOnly": True},
            ],
        ),
        (
            {"sub-path": "b"},
            [
                {
                    "mountPath": "/opt/app-root/src/b",
                    "subPath": "b",
                    "readOnly": True,
                }
            ],
        ),
    ],
)
def test_annotations_say_where_a_configured_object_is_mounted(
    annotations: dict[str, str], expected: list[Document]
) -> None:
    manifest = config_map("files", b="", a="")
    manifest["metadata"]["annotations"] = {
        f"rhdh.redhat.com/{name}": value for name, value in annotations.items()
    }

    documents = composed(files={"configmap-files.yaml": manifest})

    volume = {"name": "backstage-files-my-files"}
    assert backend(documents)["volumeMounts"] == [volume | one for one in expected]


def test_one_object_may_be_named_twice() -> None:
    ref = {"name": "c"}

    documents = composed(
        {
            "application": {
                "extraFiles": {
                    "configMaps": [ref | {"key": "a"}, ref | {"key": "b"}],
                },
                "appConfig": {"configMaps": [ref | {"key": "a"}]},
            }
        },
        config_maps={"c": {"a": "", "b": ""}},
    )

    pod = documents["deployment"]["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["c"]
    assert [mount["mountPath"] for mount in backend(documents)["volumeMounts"]] == [
        "/opt/app-root/src/a",
        "/opt/app-root/src/b",
    ]


def test_a_secret_and_a_config_map_may_have_one_name() -> None:
    documents = composed(
        {
            "application": {
                "extraFiles": {
                    "configMaps": [{"name": "x", "mountPath": "/c"}],
                    "secrets": [{"name": "x", "mountPath": "/s"}],
                }
            }
        },
        config_maps={"x": {"a": ""}},
        secrets={"x": {"a": ""}},
    )

    volumes = documents["deployment"]["spec"]["template"]["spec"]["volumes"]
    mounted = {m["mountPath"]: m["name"] for m in backend(documents)["volumeMounts"]}
    assert {volume["name"]: list(volume)[1] for volume in volumes} == {
        mounted["/c"]: "configMap",
        mounted["/s"]: "secret",
    }


def test_a_secret_that_is_absent_is_a_fault() -> None:
    spec = {"extraFiles": {"secrets": [{"name": "s", "mountPath": "/s"}]}}

    assert faults({"application": spec}, secrets={"s": None}) == [
        (
            'spec.application.extraFiles.secrets[0]: Secret "s" in namespace "team" '
            "not found; create it or remove the reference"
        )
    ]


def test_data_that_is_not_base64_is_a_fault_without_its_value() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "files"},
        "data": {"password": "hunter2!"},
    }

    (message,) = faults(files={"secret-files.yaml": secret})

    assert message == (
        "default configuration (test), key secret-files.yaml: "
        'data["password"] is not base64; use stringData for text'
    )


def test_base64_of_several_lines_is_read_as_the_api_server_reads_it() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "files"},
        "data": {"a": "YWFh\nYWFh\n"},
    }
    binary = config_map("files") | {"binaryData": {"a": "YWFh\r\nYWFh"}}

    documents = composed(
        files={"secret-files.yaml": secret, "configmap-files.yaml": binary}
    )

    assert documents["secret-files/files"]["data"] == {"a": "YWFhYWFh"}
    assert documents["configmap-files/files"]["binaryData"] == {"a": "YWFhYWFh"}


def test_an_entry_without_a_value_is_an_empty_file() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "files"},
        "stringData": {"a": None},
    }
    given = config_map("files") | {"data": {"a": None}}

    documents = composed(
        files={"secret-files.yaml": secret, "configmap-files.yaml": given}
    )

    assert documents["secret-files/files"]["data"] == {"a": ""}
    assert documents["configmap-files/files"]["data"] == {"a": ""}
