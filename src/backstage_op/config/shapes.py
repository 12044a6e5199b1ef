"""The outer shape of the manifests that are worked on: what must be a list, a text.

Only as far as this package reaches into them; whether the rest is right is for
the API server to say. A shape that is wrong here would make a mess of a merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backstage_op.document import Document

_PATH: Final = re.compile(r" - at `(key in )?\$\.?(?P<path>.*)`$")
_WORDS: Final = {"array": "a list", "object": "an object", "str": "a text"}
_TYPE: Final = re.compile(r"`([a-z]+)(?: \| null)?`")


class _Metadata(msgspec.Struct, rename="camel"):
    name: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Named(msgspec.Struct):
    name: str


class _Mount(msgspec.Struct, rename="camel"):
    mount_path: str


class _Container(msgspec.Struct, rename="camel"):
    name: str
    args: list[str] | None = None
    env: list[_Named] | None = None
    env_from: list[dict[str, Any]] | None = None
    volume_mounts: list[_Mount] | None = None
    working_dir: str | None = None


class _Pod(msgspec.Struct, rename="camel"):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    volumes: list[_Named] | None = None


class _Template(msgspec.Struct):
    spec: _Pod | None = None
    metadata: _Metadata | None = None


class _Selector(msgspec.Struct, rename="camel"):
    match_labels: dict[str, str] | None = None


class _WorkloadSpec(msgspec.Struct):
    template: _Template | None = None
    selector: _Selector | None = None


class _Workload(msgspec.Struct):
    spec: _WorkloadSpec | None = None
    metadata: _Metadata | None = None


class _ServiceSpec(msgspec.Struct):
    selector: dict[str, str] | None = None


class _Service(msgspec.Struct):
    spec: _ServiceSpec | None = None
    metadata: _Metadata | None = None


class _RouteSpec(msgspec.Struct):
    to: dict[str, Any] | None = None
    tls: dict[str, Any] | None = None


class _Route(msgspec.Struct):
    spec: _RouteSpec | None = None
    metadata: _Metadata | None = None


class _Data(msgspec.Struct, rename="camel"):
    data: dict[str, str] | None = None
    metadata: _Metadata | None = None


class _ConfigMap(_Data, rename="camel"):
    binary_data: dict[str, bytes] | None = None


class _Secret(msgspec.Struct, rename="camel"):
    data: dict[str, str] | None = None
    string_data: dict[str, str] | None = None
    metadata: _Metadata | None = None


class _Other(msgspec.Struct):
    metadata: _Metadata | None = None


_SHAPES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "ConfigMap": _ConfigMap,
    "Deployment": _Workload,
    "Route": _Route,
    "Secret": _Secret,
    "Service": _Service,
    "StatefulSet": _Workload,
}

# The first use of a type builds its description, and msgspec shows it half built
# to a thread that comes second, which then crashes the process. Manifests are
# read in several threads; an import is done by one.
for _shape in (*_SHAPES.values(), _Other):
    msgspec.json.Decoder(_shape)


def problem(document: Document) -> str | None:
    """Return what is wrong with the shape of a manifest, None if nothing is.

    Names the field; never its value, which may be a secret.
    """
    shape = _SHAPES.get(str(document.get("kind")), _Other)
    try:
        # Bytes are base64 text in JSON.
        msgspec.convert(document, shape, builtin_types=())
    except msgspec.ValidationError as exc:
        return _words(str(exc))
    return None


def _words(text: str) -> str:
    found = _PATH.search(text)
    path = found["path"] if found else ""
    said = text[: found.start()] if found else text
    said = _TYPE.sub(lambda match: _WORDS.get(match[1], match[1]), said)
    said = said.replace("got ", "found ")
    said = said[:1].lower() + said[1:]
    return f"{path or 'the manifest'}: {said}; correct the manifest"
