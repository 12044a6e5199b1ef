from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from backstage_op.api import crd, rules, schema

_ALLOWED = {
    "additionalProperties",
    "maxProperties",
    "description", "type", "format", "enum", "default", "required", "properties",
    "items", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum",
    "x-kubernetes-validations", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip


def _nodes(node: schema.Schema, path: str) -> Iterator[tuple[str, schema.Schema]]:
    yield path, node
    for name, field in node.get("properties", {}).items():
        yield from _nodes(field, f"{path}.{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{path}[]")


def _all_nodes() -> list[tuple[str, schema.Schema]]:
    return [
        found
        for version in crd.definition()["spec"]["versions"]
        for found in _nodes(version["schema"]["openAPIV3Schema"], version["name"])
    ]


def test_the_schema_is_structural() -> None:
    broken = [
        (path, node)
        for path, node in _all_nodes()
        if not node.keys() <= _ALLOWED
        or "type" not in node
        or (node["type"] == "array") != ("items" in node)
    ]

    assert broken == []


def test_every_list_and_every_text_of_the_user_has_a_limit() -> None:
    unlimited = [
        path
        for path, node in _all_nodes()
        if ".spec" in path
        and (
            (node["type"] == "array" and "maxItems" not in node)
            or (node["type"] == "string" and not {"maxLength", "enum"} & node.keys())
        )
    ]

    assert unlimited == []


def test_only_the_defaults_of_the_go_operator_are_persisted() -> None:
    defaults = {
        path.removeprefix("v1alpha5.spec."): node["default"]
        for path, node in _all_nodes()
        if "default" in node and path.startswith("v1alpha5.")
    }

    assert defaults == {
        "application.appConfig.mountPath": "/opt/app-root/src",
        "application.extraFiles.mountPath": "/opt/app-root/src",
        "application.route.enabled": True,
        "database.enableLocalDb": True,
        "flavours[].enabled": True,
        "monitoring": {"enabled": False},
        "monitoring.enabled": False,
    }


def test_annotations_become_keywords() -> None:
    class Example(msgspec.Struct, rename="camel"):
        the_name: Annotated[
            Annotated[str, rules.FLAVOUR.meta()], Meta(description="A name.")
        ]
        count: Annotated[int, Meta(ge=1, le=9)] | None = None
        many: Annotated[tuple[bool, ...], Meta(max_length=3)] = ()

    assert schema.structural(Example) == {
        "type": "object",
        "properties": {
            "theName": {
                "description": "A name.",
                "type": "string",
                "maxLength": 253,
                "x-kubernetes-validations": [rules.FLAVOUR.validation()],
            },
            "count": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9},
            "many": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
        },
        "required": ["theName"],
    }


class _Recursive(msgspec.Struct):
    inner: _Recursive | None = None


class _Union(msgspec.Struct):
    port: int | str = 1


class _Untyped(msgspec.Struct):
    anything: Any = None


@pytest.mark.parametrize(
    ("model", "part"),
    [(_Recursive, "contains itself"), (_Union, "union"), (_Untyped, "no structural")],
)
def test_what_a_structural_schema_cannot_say_is_an_error(
    model: type, part: str
) -> None:
    with pytest.raises(TypeError, match=part):
        schema.structural(model)
