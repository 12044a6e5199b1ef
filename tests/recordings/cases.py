"""Recordings of the Go operator: what it was given, and what it made of that.

``data/README.md`` tells how they were made. Nothing here knows what our
operator does.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML

from backstage_op import api, config, resources
from backstage_op.document import Document

DATA: Final = Path(__file__).parent / "data"
NAMES: Final = tuple(sorted(path.parent.name for path in DATA.glob("*/result.yaml")))

UID: Final = "UID-OF-CR"
PASSWORD: Final = "a password"
INGRESS_DOMAIN: Final = "apps.example.test"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One recording.

    Attributes:
        name: The folder.
        inputs: What the operator was given, as ours takes it.
        applied: What the Go operator applied, by kind and name.
        deployed: The condition ``Deployed`` that it published.
    """

    name: str
    inputs: resources.Inputs
    applied: Mapping[tuple[str, str], Document]
    deployed: Document


@functools.cache
def case(name: str) -> Case:
    result = _result(name)
    objects = given(name)
    (cr,) = (document for document in objects if document["kind"] == api.KIND)
    metadata = {**cr["metadata"], "namespace": result["namespace"], "uid": UID}
    images = environment(name)
    is_openshift = result["platform"] == "ocp"
    backstage = api.decode({**cr, "metadata": metadata})
    present = _sources(objects)
    inputs = resources.Inputs(
        backstage=backstage,
        default=default_config(result["defaultConfig"]),
        platform=resources.Platform(
            is_openshift=is_openshift,
            ingress_domain=INGRESS_DOMAIN if is_openshift else "",
        ),
        sources={
            source: present.get(source)
            for source in resources.references_of(backstage).sources
        },
        claims=frozenset(
            document["metadata"]["name"]
            for document in objects
            if document["kind"] == "PersistentVolumeClaim"
        ),
        images=resources.Images(
            backstage=images.get("RELATED_IMAGE_backstage", ""),
            postgresql=images.get("RELATED_IMAGE_postgresql", ""),
        ),
        database_password=PASSWORD,
        checksum_key=b"key",
    )
    applied = DATA / name / "applied.yaml"
    return Case(
        name=name,
        inputs=inputs,
        applied={
            (document["kind"], document["metadata"]["name"]): document
            for document in (_documents(applied) if applied.exists() else ())
        },
        deployed=result["conditions"][0],
    )


def given(name: str) -> list[Document]:
    """Return the objects of the user."""
    return _documents(DATA / name / "input.yaml")


def configuration(name: str) -> str:
    """Return the folder of the default configuration."""
    found: str = _result(name)["defaultConfig"]
    return found


def environment(name: str) -> dict[str, str]:
    """Return the environment of the operator."""
    found: dict[str, str] = _result(name)["operatorEnvironment"]
    return found


def _result(name: str) -> Document:
    (result,) = _documents(DATA / name / "result.yaml")
    return result


def default_config(name: str) -> config.DefaultConfig:
    """Read one of the recorded configurations, which lack the usual outer folder."""
    root = DATA / "default-config" / name
    flavours = root / "flavours"
    return config.DefaultConfig(
        source=f'recording "{name}"',
        files=_texts(root),
        plugin_dependencies=_texts(root / "plugin-deps"),
        flavours=tuple(
            _flavour(folder)
            for folder in (sorted(flavours.iterdir()) if flavours.exists() else ())
        ),
    )


def _flavour(folder: Path) -> config.Flavour:
    files = _texts(folder)
    (metadata,) = YAML(typ="safe", pure=True).load_all(files.pop("metadata.yaml"))
    return config.Flavour(
        name=folder.name,
        enabled_by_default=metadata["enabledByDefault"],
        files=files,
    )


def _texts(folder: Path) -> dict[str, str]:
    if not folder.exists():
        return {}
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def _documents(path: Path) -> list[Document]:
    # A YAML 1.2 writer made them: an unquoted "yes" is a string.
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    with path.open() as file:
        return [document for document in yaml.load_all(file) if document]


def _sources(
    given: list[Document],
) -> dict[resources.Source, resources.SourceData]:
    return {
        resources.Source(document["kind"], document["metadata"]["name"]): _data(
            document
        )
        for document in given
        if document["kind"] in ("ConfigMap", "Secret")
    }


def _data(document: Document) -> resources.SourceData:
    data = {key: value.encode() for key, value in document.get("data", {}).items()}
    if document["kind"] == "Secret":
        data = {key: base64.b64decode(value) for key, value in data.items()}
    plain = document.get("stringData", {})
    return resources.SourceData(
        data | {key: value.encode() for key, value in plain.items()}
    )
