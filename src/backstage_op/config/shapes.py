"""The outer shape of the manifests that are worked on: what must be a list, a text.

Only as far as this package reaches into them; whether the rest is right is for
the API server to say. A shape that is wrong here would make a mess of a merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from backstage_op.document import Document

from . import words
from .exposure_shapes import HttpRoute, Ingress, Metadata, NetworkPolicy, Service, Texts

_PATH: Final = re.compile(r" - at `(key in )?\$\.?(?P<path>.*)`$")
_TYPE: Final = re.compile(r"`([a-z| ]+)`")
_REGEX: Final = "expected `str` matching regex "

_QUANTITY: Final = (
    r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
    r"([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?\Z"
)
_IMAGE: Final = r"^([^\s@]+(@[A-Za-z0-9]+([.+_-][A-Za-z0-9]+)*:[0-9a-fA-F]{32,})?)?\Z"
_MEANINGS: Final = {
    repr(_QUANTITY): "expected a quantity such as 500m or 1Gi",
    repr(_IMAGE): "expected an image such as registry.example.com/name:tag",
}

_Quantity: TypeAlias = Annotated[str, msgspec.Meta(pattern=_QUANTITY)] | int | float
_Quantities: TypeAlias = dict[str, _Quantity] | None


class _Named(msgspec.Struct):
    name: str


class _Variable(msgspec.Struct, rename="camel"):
    name: str
    value: str | None = None
    value_from: dict[str, Any] | None = None


class _Mount(msgspec.Struct, rename="camel"):
    mount_path: str


class _Port(msgspec.Struct, rename="camel"):
    container_port: int
    host_port: int | None = None


class _Profile(msgspec.Struct):
    type: str | None = None


class _SeLinux(msgspec.Struct):
    user: str | None = None
    role: str | None = None
    type: str | None = None


class _Windows(msgspec.Struct, rename="camel"):
    host_process: bool | None = None


class _Capabilities(msgspec.Struct):
    add: list[str] | None = None


class _SecurityContext(msgspec.Struct, rename="camel"):
    privileged: bool | None = None
    proc_mount: str | None = None
    capabilities: _Capabilities | None = None
    seccomp_profile: _Profile | None = None
    app_armor_profile: _Profile | None = msgspec.field(
        default=None, name="appArmorProfile"
    )
    se_linux_options: _SeLinux | None = None
    windows_options: _Windows | None = None
    sysctls: list[_Named] | None = None


class _Resources(msgspec.Struct):
    limits: _Quantities = None
    requests: _Quantities = None


class _Container(msgspec.Struct, rename="camel"):
    name: str
    image: Annotated[str, msgspec.Meta(pattern=_IMAGE)] | None = None
    args: list[str] | None = None
    command: list[str] | None = None
    env: list[_Variable] | None = None
    env_from: list[dict[str, Any]] | None = None
    ports: list[_Port] | None = None
    resources: _Resources | None = None
    security_context: _SecurityContext | None = None
    volume_mounts: list[_Mount] | None = None
    working_dir: str | None = None


class _HostPath(msgspec.Struct):
    path: str | None = None


class _Volume(msgspec.Struct, rename="camel"):
    name: str
    host_path: _HostPath | None = None


class _Pod(msgspec.Struct, rename="camel"):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None
    volumes: list[_Volume] | None = None
    node_selector: Texts = None
    security_context: _SecurityContext | None = None
    host_network: bool | None = None
    host_pid: bool | None = msgspec.field(default=None, name="hostPID")
    host_ipc: bool | None = msgspec.field(default=None, name="hostIPC")
    service_account: str | None = None
    service_account_name: str | None = None


class _Template(msgspec.Struct):
    spec: _Pod | None = None
    metadata: Metadata | None = None


class _Selector(msgspec.Struct, rename="camel"):
    match_labels: Texts = None


class _Claim(msgspec.Struct):
    resources: _Resources | None = None


class _ClaimTemplate(msgspec.Struct):
    metadata: _Named
    spec: _Claim | None = None


class _WorkloadSpec(msgspec.Struct, rename="camel"):
    replicas: Annotated[int, msgspec.Meta(ge=0)] | None = None
    template: _Template | None = None
    selector: _Selector | None = None
    volume_claim_templates: list[_ClaimTemplate] | None = None


class _Workload(msgspec.Struct):
    spec: _WorkloadSpec | None = None
    metadata: Metadata | None = None


class _RouteSpec(msgspec.Struct):
    to: dict[str, Any] | None = None
    tls: dict[str, Any] | None = None


class _Route(msgspec.Struct):
    spec: _RouteSpec | None = None
    metadata: Metadata | None = None


class _Data(msgspec.Struct, rename="camel"):
    data: Texts = None
    metadata: Metadata | None = None


class _ConfigMap(_Data, rename="camel"):
    binary_data: Texts = None


class _Secret(msgspec.Struct, rename="camel"):
    data: Texts = None
    string_data: Texts = None
    metadata: Metadata | None = None


class _Other(msgspec.Struct):
    metadata: Metadata | None = None


_SHAPES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "ConfigMap": _ConfigMap,
    "Deployment": _Workload,
    "HTTPRoute": HttpRoute,
    "Ingress": Ingress,
    "NetworkPolicy": NetworkPolicy,
    "Route": _Route,
    "Secret": _Secret,
    "Service": Service,
    "StatefulSet": _Workload,
}

# The first use of a type builds its description, and msgspec shows it half built
# to a thread that comes second, which then crashes the process. Manifests are
# read in several threads; an import is done by one.
for _shape in (*_SHAPES.values(), _Other):
    msgspec.json.Decoder(_shape)


class Problem(msgspec.Struct, frozen=True):
    """Where a manifest has the wrong shape, and what is wrong and to be done."""

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path or 'the manifest'}: {self.detail}"


def problem(document: Document) -> Problem | None:
    """Return what is wrong with the shape of a manifest, None if nothing is.

    Names the field; never its value, which may be a secret.
    """
    shape = _SHAPES.get(str(document.get("kind")), _Other)
    try:
        msgspec.convert(document, shape)
    except msgspec.ValidationError as exc:
        return _problem(str(exc))
    return None


def _problem(text: str) -> Problem:
    found = _PATH.search(text)
    path = found["path"] if found else ""
    said = text[: found.start()] if found else text
    said = said[:1].lower() + said[1:]
    if said.startswith(_REGEX):
        said = _MEANINGS[said.removeprefix(_REGEX)]
    said = _TYPE.sub(lambda match: _words(match[1]), said)
    return Problem(path, f"{said.replace('got ', 'found ')}; correct the manifest")


def _words(types: str) -> str:
    names = [name for name in types.split(" | ") if name != "null"]
    return " or ".join(words.OF_SCHEMA.get(name, name) for name in names) or "nothing"
