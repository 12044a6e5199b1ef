"""What restarts the pods and what does not."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.resources import checksum
from backstage_op.resources.checksum import Content

from .builders import (
    COORDINATES,
    INSTANCE,
    LABELS,
    OPENSHIFT,
    OWNER,
    ROUTE,
    composed,
    config_map,
    digest,
)


def _digest(spec: Document, /, **arguments: Any) -> str:
    return digest(composed({"application": spec}, **arguments))


_FILES: dict[str, Document] = {
    "all files": {"extraFiles": {"configMaps": [{"name": "c"}]}},
    "one file": {"extraFiles": {"configMaps": [{"name": "c", "key": "k"}]}},
    "file at a path": {
        "extraFiles": {"configMaps": [{"name": "c", "key": "k", "mountPath": "/d"}]}
    },
    "directory": {"extraFiles": {"configMaps": [{"name": "c", "mountPath": "/d"}]}},
    "all variables": {"extraEnvs": {"configMaps": [{"name": "c"}]}},
    "one variable": {"extraEnvs": {"configMaps": [{"name": "c", "key": "k"}]}},
    "app-config": {"appConfig": {"configMaps": [{"name": "c", "key": "k"}]}},
}


@pytest.mark.parametrize(
    ("use", "on_k", "on_other"),
    [
        ("all files", True, True),
        ("one file", True, False),
        ("file at a path", True, False),
        ("directory", False, False),
        ("all variables", True, True),
        ("one variable", True, False),
        ("app-config", True, False),
    ],
)
def test_pods_restart_for_what_they_cannot_see_change(
    use: str, on_k: bool, on_other: bool
) -> None:
    before, k, other = (
        _digest(_FILES[use], config_maps={"c": data})
        for data in (
            {"k": "1", "other": "1"},
            {"k": "2", "other": "1"},
            {"k": "1", "other": "2"},
        )
    )

    assert (before != k) is on_k
    assert (before != other) is on_other


def test_a_rotated_database_password_restarts_the_pods() -> None:
    spec = {"database": {"authSecretName": "pg"}}

    one, other = (
        digest(
            composed(
                spec, secrets={"pg": COORDINATES | {"POSTGRES_PASSWORD": password}}
            )
        )
        for password in ("a", "b")
    )

    assert one != other


def test_a_generated_database_password_does_not_restart_the_pods() -> None:
    one, other = (
        digest(composed(database_password=password)) for password in ("a", "b")
    )

    assert one == other


def test_a_new_host_restarts_the_pods_since_the_app_config_names_it() -> None:
    files = {
        "app-config.yaml": config_map("base", **{"a.yaml": "app: {}"}),
        "route.yaml": ROUTE,
    }

    one, other = (
        _digest({"route": {"host": host}}, files=files, platform=OPENSHIFT)
        for host in ("a.test", "b.test")
    )

    assert one != other


def test_a_changed_list_of_plugins_restarts_the_pods() -> None:
    one, other = (
        _digest(
            {"dynamicPluginsConfigMapName": "p"},
            config_maps={"p": {"dynamic-plugins.yaml": text}},
        )
        for text in ("plugins: []", "plugins: [{package: ./x}]")
    )

    assert one != other


def test_a_digest_tells_nothing_without_its_key() -> None:
    contents = [Content("Secret", "s", "k", b"guess")]

    assert checksum.digest(b"a", contents) != checksum.digest(b"b", contents)


def test_the_order_and_the_repetition_of_contents_do_not_matter() -> None:
    contents = [
        Content("ConfigMap", "a", "k", b"1"),
        Content("Secret", "a", "k", b"1"),
        Content("ConfigMap", "b", "k", b""),
    ]

    digests = {
        checksum.digest(b"key", [*order, order[0]])
        for order in itertools.permutations(contents)
    }

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("C", "a", "bc", b"d"), ("C", "a", "b", b"cd")),
        (("C", "ab", "c", b"d"), ("C", "a", "bc", b"d")),
        (("CM", "a", "b", b""), ("C", "Ma", "b", b"")),
    ],
)
def test_contents_that_join_to_the_same_bytes_have_different_digests(
    one: tuple[str, str, str, bytes], other: tuple[str, str, str, bytes]
) -> None:
    assert checksum.digest(b"", [Content(*one)]) != checksum.digest(
        b"", [Content(*other)]
    )


def test_the_key_is_kept_in_a_secret_of_the_instance() -> None:
    key = checksum.ChecksumKey(key="checksum-key", instance=INSTANCE, value=b"\x00key")

    assert key.lifecycle is resources.Lifecycle.CREATE_ONCE
    assert key.ref == resources.checksum_key_ref(INSTANCE)
    assert key.desired() == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": "backstage-checksum-key-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "data": {"key": base64.b64encode(b"\x00key").decode()},
    }
    assert resources.read_checksum_key(key.desired()) == b"\x00key"
    assert resources.read_checksum_key({"kind": "Secret"}) == b""
    assert "key" not in repr(key).replace("checksum-key", "")
