from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from backstage_op import api, errors

RECORDINGS = Path(__file__).parent.parent / "recordings" / "data"


def recorded() -> dict[str, dict[str, Any]]:
    """The resources of all recordings, by case."""
    found = {}
    for path in sorted(RECORDINGS.glob("*/input.yaml")):
        for document in YAML(typ="safe", pure=True).load_all(path.read_text("utf-8")):
            if document["kind"] == api.KIND:
                found[path.parent.name] = document
    return found


@pytest.mark.parametrize("case", recorded())
def test_recorded_resources_decode(case: str) -> None:
    assert api.decode(recorded()[case]).metadata.name == "my"


def test_everything_arrives_where_it_belongs() -> None:
    document = {
        "apiVersion": "rhdh.redhat.com/v1alpha5",
        "kind": "Backstage",
        "metadata": {
            "name": "my",
            "namespace": "ns",
            "uid": "u",
            "generation": 3,
            "resourceVersion": "7",
            "annotations": {"a": "1"},
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "x"}],
        },
        "spec": {
            "application": {
                "extraFiles": {
                    "secrets": [{"name": "s", "key": "k", "containers": ["*"]}]
                },
                "dynamicPlugins": [{"package": "./a", "extra": {"b": None}}],
                "imagePullSecrets": ["p"],
            },
            "deployment": {"patch": {"spec": {"replicas": None}}},
            "aNewerField": 1,
        },
    }

    assert api.decode(document) == api.Backstage(
        metadata=api.Metadata(
            name="my",
            namespace="ns",
            uid="u",
            generation=3,
            resource_version="7",
            annotations={"a": "1"},
            deletion_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        spec=api.BackstageSpec(
            application=api.Application(
                extra_files=api.ExtraFiles(
                    secrets=(api.FileObjectRef(name="s", key="k", containers=("*",)),)
                ),
                dynamic_plugins=({"package": "./a", "extra": {"b": None}},),
                image_pull_secrets=("p",),
            ),
            deployment=api.DeploymentSpec(patch={"spec": {"replicas": None}}),
        ),
    )


WRONG = [
    ({"application": {"replicas": "3"}}, "spec.application.replicas", "`str`"),
    ({"application": {"replicas": 1.5}}, "spec.application.replicas", "`float`"),
    ({"application": {"replicas": 2**63}}, "spec.application.replicas", "2147483647"),
    ({"application": {"replicas": -1}}, "spec.application.replicas", ">= 0"),
    ({"application": []}, "spec.application", "expected `object`, got `array`"),
    (
        {"application": {"appConfig": {"configMaps": [{"name": "a"}, {}]}}},
        "spec.application.appConfig.configMaps[1]",
        "missing required field `name`",
    ),
    ({"application": {"appConfig": {"configMaps": [None]}}}, "configMaps[0]", "null"),
    ({"deployment": {"kind": "DaemonSet"}}, "spec.deployment.kind", "'DaemonSet'"),
    ({"deployment": {"patch": "x"}}, "spec.deployment.patch", "`str`"),
    (
        {"database": {"authSecretName": "other/pg"}},
        "spec.database.authSecretName",
        "found 'other/pg'; must name an object of the same namespace",
    ),
    (
        {"application": {"extraFiles": {"pvcs": [{"name": "Upper"}]}}},
        "spec.application.extraFiles.pvcs[0].name",
        "found 'Upper'; must name an object",
    ),
    (
        {"application": {"extraFiles": {"mountPath": "/a/../b"}}},
        "spec.application.extraFiles.mountPath",
        "found '/a/../b'; must be a path in the container",
    ),
]


@pytest.mark.parametrize(("spec", "path", "part"), WRONG, ids=lambda v: str(v)[:40])
def test_errors_name_the_field_and_what_is_wrong(
    spec: dict[str, Any], path: str, part: str
) -> None:
    with pytest.raises(errors.SpecError) as caught:
        api.decode({"spec": spec})

    assert caught.value.path.endswith(path)
    assert part in caught.value.message


def test_errors_never_hold_a_value_that_may_be_secret() -> None:
    tls = {"key": ["PRIVATE"], "certificate": "c"}

    with pytest.raises(errors.SpecError) as caught:
        api.decode({"spec": {"application": {"route": {"tls": tls}}}})

    assert "PRIVATE" not in caught.value.message
    assert caught.value.path == "spec.application.route.tls.key"


def test_a_long_value_is_shortened_in_the_error() -> None:
    with pytest.raises(errors.SpecError) as caught:
        api.decode({"spec": {"database": {"authSecretName": "A" * 200}}})

    assert "A" * 60 in caught.value.message
    assert "A" * 70 not in caught.value.message


def test_a_document_that_is_no_object_is_an_error_about_the_resource() -> None:
    with pytest.raises(errors.SpecError, match="the resource: expected `object`"):
        api.decode(json.loads("[]"))


@pytest.mark.parametrize("depth", [64, 1100, 100_000])
@pytest.mark.parametrize("wrap", [lambda value: {"a": value}, lambda value: [value]])
@pytest.mark.parametrize(
    "place",
    [
        lambda value: {"spec": {"deployment": {"patch": {"x": value}}}},
        lambda value: {"spec": {"application": {"dynamicPlugins": [value]}}},
        lambda value: {"spec": {"unknown": value}},
        lambda value: {"spec": value},
    ],
)
def test_nesting_without_end_is_a_fault_and_exhausts_no_stack(
    depth: int, wrap: Any, place: Any
) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = wrap(value)

    with pytest.raises(errors.SpecError) as caught:
        api.decode(place(value))

    assert caught.value.message == "spec: nested deeper than 64 levels; flatten it"
