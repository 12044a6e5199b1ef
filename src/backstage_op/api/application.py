"""What Backstage runs with: app-config, plugins, files, variables, exposure."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta

from . import rules
from .exposure import HttpRoute, Ingress, Route
from .references import (
    MAX_REFERENCES,
    PLUGIN_SCHEMA,
    ClaimRef,
    EnvObjectRef,
    EnvVar,
    FileObjectRef,
    MountPath,
    ObjectName,
    OptionalName,
    SpecStruct,
)

DEFAULT_MOUNT_PATH: Final = "/opt/app-root/src"

_MAX_ENVS: Final = 2048
_MAX_PLUGINS: Final = 1024
_MAX_PULL_SECRETS: Final = 64
_MAX_REPLICAS: Final = 2**31 - 1

_MountPath: TypeAlias = Annotated[
    MountPath,
    Meta(
        description="Directory of the files. Default: /opt/app-root/src.",
        extra={"schema": {"default": DEFAULT_MOUNT_PATH}},
    ),
]


class AppConfig(SpecStruct, frozen=True, kw_only=True):
    """App-config files of the user, given to Backstage after the default ones."""

    mount_path: _MountPath = DEFAULT_MOUNT_PATH
    config_maps: Annotated[
        tuple[FileObjectRef, ...],
        Meta(
            description="ConfigMaps with one app-config file each, or with a key "
            "that picks one. A later file wins over an earlier one.",
            max_length=MAX_REFERENCES,
        ),
    ] = ()


class ExtraFiles(SpecStruct, frozen=True, kw_only=True):
    """Files of the user that are mounted into the pod."""

    mount_path: _MountPath = DEFAULT_MOUNT_PATH
    config_maps: Annotated[
        tuple[FileObjectRef, ...],
        Meta(description="ConfigMaps to mount.", max_length=MAX_REFERENCES),
    ] = ()
    secrets: Annotated[
        tuple[FileObjectRef, ...],
        Meta(
            description="Secrets to mount. Each needs a key or a mountPath.",
            max_length=MAX_REFERENCES,
            extra={
                "validations": [
                    {
                        "rule": "self.all(s, (has(s.key) && s.key != '') || "
                        "(has(s.mountPath) && s.mountPath != ''))",
                        "message": "a Secret needs a key or a mountPath: add the "
                        "key of the file, or the directory for all of them",
                    }
                ]
            },
        ),
    ] = ()
    pvcs: Annotated[
        tuple[ClaimRef, ...],
        Meta(description="PersistentVolumeClaims to mount.", max_length=MAX_REFERENCES),
    ] = ()


class ExtraEnvs(SpecStruct, frozen=True, kw_only=True):
    """Environment variables of the user."""

    config_maps: Annotated[
        tuple[EnvObjectRef, ...],
        Meta(description="ConfigMaps to inject.", max_length=MAX_REFERENCES),
    ] = ()
    secrets: Annotated[
        tuple[EnvObjectRef, ...],
        Meta(description="Secrets to inject.", max_length=MAX_REFERENCES),
    ] = ()
    envs: Annotated[
        tuple[EnvVar, ...],
        Meta(
            description="Variables with their values. Of two with one name the "
            "later counts.",
            max_length=_MAX_ENVS,
        ),
    ] = ()


class Application(SpecStruct, frozen=True, kw_only=True):
    """What Backstage runs with."""

    app_config: Annotated[
        AppConfig, Meta(description="App-config files, in order.")
    ] = AppConfig()
    dynamic_plugins_config_map_name: Annotated[
        OptionalName,
        Meta(
            description="Name of a ConfigMap whose key dynamic-plugins.yaml extends "
            "the default plugins. Default: none."
        ),
    ] = ""
    dynamic_plugins: Annotated[
        tuple[dict[str, Any], ...],
        Meta(
            description="Plugins, as under plugins in dynamic-plugins.yaml. They come "
            "after those of the ConfigMap and win over them, package by package.",
            max_length=_MAX_PLUGINS,
            extra={"items": PLUGIN_SCHEMA},
        ),
    ] = ()
    extra_files: Annotated[ExtraFiles, Meta(description="Files to mount.")] = (
        ExtraFiles()
    )
    extra_envs: Annotated[
        ExtraEnvs, Meta(description="Environment variables to set.")
    ] = ExtraEnvs()
    route: Annotated[
        Route, Meta(description="The OpenShift Route. Ignored on other clusters.")
    ] = Route()
    ingress: Annotated[
        Ingress,
        Meta(description="The Ingress. Default: none."),
    ] = Ingress()
    http_route: Annotated[
        HttpRoute,
        Meta(description="The HTTPRoute of the Gateway API. Default: none."),
    ] = HttpRoute()
    replicas: (
        Annotated[
            int,
            Meta(
                description="Number of pods, 0 or more. Default: that of the default "
                "configuration. Deprecated: spec.deployment.patch can set it too, "
                "and wins.",
                ge=0,
                le=_MAX_REPLICAS,
                extra={"schema": {"format": "int32"}},
            ),
        ]
        | None
    ) = None
    image: Annotated[
        Annotated[str, rules.IMAGE.meta()],
        Meta(
            description="Image of the Backstage container and of its init containers. "
            "Default: that of the default configuration. Deprecated: "
            "spec.deployment.patch can set it too, and wins."
        ),
    ] = ""
    image_pull_secrets: Annotated[
        tuple[ObjectName, ...],
        Meta(
            description="Names of Secrets to pull images with. Default: none. "
            "Deprecated: spec.deployment.patch can set them too.",
            max_length=_MAX_PULL_SECRETS,
        ),
    ] = ()
