"""From a Struct to a structural OpenAPI schema, as the API server asks for it.

What a type annotation says is translated; what only the API server knows is
said in ``Meta.extra`` beside it:

* ``rule``: a :class:`rules.TextRule`; becomes a CEL rule with its message.
* ``validations``: further CEL rules.
* ``schema``: keywords that are added as they are. A default is persisted into
  the objects of users, so only a default given here becomes one.
* ``items``: the schema of the entries, where they are documents.
* ``required``: the field must be present, although the Struct has a default.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import inspect

Schema: TypeAlias = dict[str, Any]


def structural(model: type) -> Schema:
    """Return the schema of a Struct, without references, nulls and unions.

    Raises:
        TypeError: a type has no structural counterpart: a union, or a Struct
            that contains itself.
    """
    return _convert(inspect.type_info(model), ())


def _convert(node: inspect.Type, parents: tuple[type, ...]) -> Schema:
    match node:
        case inspect.Metadata():
            return _annotated(node, parents)
        case inspect.StructType():
            return _struct(node, parents)
        case inspect.UnionType():
            return _convert(_only_alternative(node), parents)
        case inspect.VarTupleType():
            items = _convert(node.item_type, parents)
            return {
                "type": "array",
                "items": items,
                **_limits(minItems=node.min_length, maxItems=node.max_length),
            }
        case _:
            return _scalar(node)


def _scalar(node: inspect.Type) -> Schema:
    match node:
        case inspect.StrType():
            return {
                "type": "string",
                **_limits(minLength=node.min_length, maxLength=node.max_length),
            }
        case inspect.IntType():
            return {
                "type": "integer",
                "format": "int64",
                **_limits(minimum=node.ge, maximum=node.le),
            }
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.LiteralType():
            return {"type": "string", "enum": list(node.values)}
        case inspect.DictType(value_type=inspect.StrType()):
            return {"type": "object", "additionalProperties": {"type": "string"}}
        case inspect.DictType():
            return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        case _:
            raise TypeError(f"{node} has no structural schema; use another type")


def _struct(node: inspect.StructType, parents: tuple[type, ...]) -> Schema:
    if node.cls in parents:
        raise TypeError(f"{node.cls.__name__} contains itself; a schema cannot")
    properties = {
        field.encode_name: _convert(field.type, (*parents, node.cls))
        for field in node.fields
    }
    required = [
        field.encode_name
        for field in node.fields
        if field.required or _extra(field.type).get("required", False)
    ]
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": required} if required else {})


def _annotated(node: inspect.Metadata, parents: tuple[type, ...]) -> Schema:
    extra = node.extra or {}
    schema = _convert(node.type, parents)
    if node.extra_json_schema and "description" in node.extra_json_schema:
        schema = {"description": node.extra_json_schema["description"], **schema}
    if "items" in extra:
        schema["items"] = extra["items"]
    schema |= extra.get("schema", {})
    validations = [*extra.get("validations", ())]
    if "rule" in extra:
        validations.append(extra["rule"].validation())
    if validations:
        schema["x-kubernetes-validations"] = validations
    return schema


def _only_alternative(node: inspect.UnionType) -> inspect.Type:
    alternatives = [t for t in node.types if not isinstance(t, inspect.NoneType)]
    if len(alternatives) != 1:
        raise TypeError(f"{node} is a union; a structural schema cannot be one")
    return alternatives[0]


def _extra(node: inspect.Type) -> dict[Any, Any]:
    if isinstance(node, inspect.UnionType):
        node = _only_alternative(node)
    return (node.extra or {}) if isinstance(node, inspect.Metadata) else {}


def _limits(**limits: float | None) -> Schema:
    return {name: limit for name, limit in limits.items() if limit is not None}
