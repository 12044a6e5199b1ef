"""The entries of lists in the specification: what to mount, inject or enable."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from . import rules

MAX_REFERENCES: Final = 512
MAX_CONTAINERS: Final = 64

TEXT_MAP: Final[dict[str, Any]] = {
    "additionalProperties": {"type": "string", "maxLength": 65536},
    "maxProperties": 128,
}
"""A map of texts, as labels and annotations are."""

ObjectName: TypeAlias = Annotated[str, rules.REQUIRED_NAME.meta()]
OptionalName: TypeAlias = Annotated[str, rules.OPTIONAL_NAME.meta()]
MountPath: TypeAlias = Annotated[str, rules.MOUNT_PATH.meta()]
DataKey: TypeAlias = Annotated[str, rules.DATA_KEY.meta()]

Containers: TypeAlias = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
    Meta(
        description="Containers of the pod, init containers included, that get it: "
        'names, or "*" alone for all. Default: only the Backstage container '
        "(backstage-backend).",
        max_length=MAX_CONTAINERS,
        extra={
            "schema": {"minItems": 1},
            "validations": [
                {
                    "rule": "!('*' in self) || size(self) == 1",
                    "message": "'*' already means all containers: remove it, or "
                    "remove the other names",
                }
            ],
        },
    ),
]


class SpecStruct(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """A part of the custom resource: camelCase on the wire, unknown fields ignored."""


class FileObjectRef(SpecStruct, frozen=True, kw_only=True):
    """A ConfigMap or Secret whose entries become files in the pod."""

    name: Annotated[
        ObjectName, Meta(description="Name of the object, in the same namespace.")
    ]
    key: Annotated[
        DataKey,
        Meta(description="The only entry to mount. Default: all entries."),
    ] = ""
    mount_path: Annotated[
        MountPath,
        Meta(
            description="Directory to mount into; a relative path begins at the "
            "mountPath of the list. Default: that mountPath itself, file by file. "
            "Files in a directory given here without a key follow later changes "
            "of the object without a restart."
        ),
    ] = ""
    containers: Containers = ()


class ClaimRef(SpecStruct, frozen=True, kw_only=True):
    """A PersistentVolumeClaim that is mounted into the pod."""

    name: Annotated[
        ObjectName, Meta(description="Name of the claim, in the same namespace.")
    ]
    mount_path: Annotated[
        MountPath,
        Meta(
            description="Directory to mount it at; a relative path begins at the "
            "mountPath of the list. Default: that mountPath, then the claim's name."
        ),
    ] = ""
    containers: Containers = ()


class EnvObjectRef(SpecStruct, frozen=True, kw_only=True):
    """A ConfigMap or Secret whose entries become environment variables."""

    name: Annotated[
        ObjectName, Meta(description="Name of the object, in the same namespace.")
    ]
    key: Annotated[
        DataKey,
        Meta(
            description="The only entry to inject, under its own name. Default: all "
            "entries."
        ),
    ] = ""
    containers: Containers = ()


class EnvVar(SpecStruct, frozen=True, kw_only=True):
    """An environment variable with a value that is no secret."""

    name: Annotated[
        Annotated[str, rules.ENV_NAME.meta()],
        Meta(description="Name of the variable. It replaces one of the same name."),
    ]
    value: Annotated[
        str,
        Meta(
            description="Value of the variable, at most 131072 characters (Linux "
            "starts no program with a longer one). May be empty.",
            max_length=131072,
        ),
    ]
    containers: Containers = ()


class Flavour(SpecStruct, frozen=True, kw_only=True):
    """A prepared extension of the default configuration, switched on or off."""

    name: Annotated[
        Annotated[str, rules.FLAVOUR.meta()],
        Meta(description="Name of the flavour in the operator's configuration."),
    ]
    enabled: Annotated[
        bool,
        Meta(
            description="Whether the flavour is used. Default: true.",
            extra={"schema": {"default": True}},
        ),
    ] = True


PLUGIN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["package"],
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "package": {
            "description": "Where the plugin is: oci://, http(s)://, ./path, or an "
            "npm package.",
            "type": "string",
            "minLength": 1,
            "maxLength": 4096,
        },
        "integrity": {
            "description": "Digest that the downloaded package must have: sha256, "
            "sha384 or sha512, '-', base64.",
            "type": "string",
            "maxLength": 1024,
        },
        "enabled": {
            "description": "Whether the plugin is installed. Wins over disabled.",
            "type": "boolean",
        },
        "disabled": {
            "description": "Whether the plugin is left out. Default: false.",
            "type": "boolean",
        },
        "pluginConfig": {
            "description": "Fragment of app-config that the plugin needs.",
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "dependencies": {
            "description": "Objects of the cluster that the plugin needs.",
            "type": "array",
            "maxItems": 64,
            "items": {
                "type": "object",
                "required": ["ref"],
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {
                    "ref": {
                        "description": "Name of a set of objects in the operator's "
                        "configuration.",
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 253,
                    }
                },
            },
        },
    },
}
"""An entry of ``dynamicPlugins``: a document, since plugins bring keys of their own."""
