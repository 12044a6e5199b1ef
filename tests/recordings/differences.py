"""Where our objects differ from the Go operator's on purpose, and why.

A difference is applied to what the Go operator made; the result is what ours
must make, field by field. Whatever is not listed here has to be equal.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from backstage_op.document import Document

Objects: TypeAlias = dict[tuple[str, str], Document]

_DATABASE: Final = ("StatefulSet", "backstage-psql-my")
_DATABASE_SECRET: Final = ("Secret", "backstage-psql-secret-my")
_CHECKSUM_KEY: Final = ("Secret", "backstage-checksum-key-my")
_HEADLESS: Final = ("Service", "headless-backstage-my")
_PLUGINS: Final = ("ConfigMap", "backstage-dynamic-plugins-my")
_BASE: Final = ("ConfigMap", "backstage-appconfig-my-base")

_CONFIGURED_SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "backstage-envs-my-senv": {"SECRET_DEFAULT": "s"},
    "backstage-files-my-npmrc": {".npmrc": "registry=https://npm.example.test"},
}

_WITH_ALPHA: Final = """\
includes:
- dynamic-plugins.default.yaml
plugins:
- package: oci://example.test/plugins/one:1.0
  disabled: true
  pluginConfig:
    one:
      a: 1
      b: 2
- package: oci://example.test/plugins/two:1.0
  disabled: true
  dependencies:
  - ref: workflows
- package: ./local/three
  integrity: sha512-abc
- package: oci://example.test/plugins/alpha:1.0
  disabled: false
"""

_WITH_USER: Final = """\
includes:
- dynamic-plugins.default.yaml
- extra.yaml
plugins:
- package: oci://example.test/plugins/one:1.0
  disabled: true
  pluginConfig:
    one:
      a: 9
- package: oci://example.test/plugins/two:1.0
  disabled: false
  dependencies:
  - ref: workflows
- package: ./local/three
  integrity: sha512-abc
- package: oci://example.test/plugins/mine:2.0
  disabled: false
  pullPolicy: Always
"""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. ``cases`` are the recordings it shows in, empty for all."""

    why: str
    apply: Callable[[Objects], None]
    cases: frozenset[str] = frozenset()


def expected(case: str, recorded: Objects) -> Objects:
    """Return what ours has to make of a recording, given what Go made of it."""
    objects = dict(recorded)
    for difference in DIFFERENCES:
        if not difference.cases or case in difference.cases:
            difference.apply(objects)
    return objects


def _disown_the_password(objects: Objects) -> None:
    secret = objects.get(_DATABASE_SECRET)
    if secret is not None:
        del secret["metadata"]["ownerReferences"]


def _disown_the_claims(objects: Objects) -> None:
    for (kind, _), document in objects.items():
        if kind == "PersistentVolumeClaim":
            document["metadata"].pop("ownerReferences", None)


def _note_the_version(objects: Objects) -> None:
    stateful_set = objects.get(_DATABASE)
    secret = objects.get(_DATABASE_SECRET)
    if stateful_set is None or secret is None:
        return
    (container,) = stateful_set["spec"]["template"]["spec"]["containers"]
    if found := re.search(r"postgresql[-:](\d+)", container["image"]):
        secret["metadata"]["labels"]["rhdh.redhat.com/postgresql-major"] = found[1]


def _add_the_checksum_key(objects: Objects) -> None:
    owner = objects["Service", "backstage-my"]["metadata"]
    objects[_CHECKSUM_KEY] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": _CHECKSUM_KEY[1],
            "labels": owner["labels"],
            "ownerReferences": owner["ownerReferences"],
        },
        "data": {"key": base64.b64encode(b"key").decode()},
    }


def _encode_secrets(objects: Objects) -> None:
    for name, data in _CONFIGURED_SECRETS.items():
        secret = objects.get(("Secret", name))
        if secret is not None:
            secret["data"] = {
                key: base64.b64encode(value.encode()).decode()
                for key, value in data.items()
            }


def _name_the_pods_of_a_stateful_set(objects: Objects) -> None:
    workload = objects["StatefulSet", "backstage-my"]
    workload["spec"]["serviceName"] = _HEADLESS[1]
    owner = workload["metadata"]
    objects[_HEADLESS] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": _HEADLESS[1],
            "labels": owner["labels"],
            "ownerReferences": owner["ownerReferences"],
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": workload["spec"]["selector"]["matchLabels"],
        },
    }


def _label_plugin_dependencies(objects: Objects) -> None:
    for name in ("my-workflow", "my-workflow-2"):
        made = objects.get(("ConfigMap", name))
        if made is not None:
            made["metadata"]["labels"] = {
                "app.kubernetes.io/name": "backstage",
                "app.kubernetes.io/instance": "my",
            }


def _plugins(text: str) -> Callable[[Objects], None]:
    def apply(objects: Objects) -> None:
        objects[_PLUGINS]["data"] = {"dynamic-plugins.yaml": text}

    return apply


def _leave_the_app_config_alone(objects: Objects) -> None:
    data: dict[str, Any] = objects[_BASE]["data"]
    data["default.app-config.yaml"] = (
        "auth: {environment: development, providers: {}}\n"
        "app: {title: from the default}"
    )


DIFFERENCES: Final = (
    Difference(
        why="the password outlives the resource as long as the claim does",
        apply=_disown_the_password,
    ),
    Difference(
        why="the claims of the configuration outlive the resource",
        apply=_disown_the_claims,
    ),
    Difference(
        why="the password's Secret tells which PostgreSQL the data are of",
        apply=_note_the_version,
    ),
    Difference(
        why="the digest of what reaches the pod is keyed, and the key is kept",
        apply=_add_the_checksum_key,
    ),
    Difference(
        why="a Secret is applied with data: a change of stringData goes unseen",
        apply=_encode_secrets,
    ),
    Difference(
        why="a new StatefulSet has a headless Service: its pods have host names",
        apply=_name_the_pods_of_a_stateful_set,
        cases=frozenset({"stateful-set"}),
    ),
    Difference(
        why="what plugins depend on is labeled, so that it is watched like the rest",
        apply=_label_plugin_dependencies,
    ),
    Difference(
        why="a plugin that says neither enabled nor disabled is left saying neither",
        apply=_plugins(_WITH_ALPHA),
        cases=frozenset(
            {"empty-full", "empty-full-openshift", "extra-envs", "extra-files", "idle"}
        ),
    ),
    Difference(
        why="the order of plugins and the keys that only the installer knows are kept",
        apply=_plugins(_WITH_USER),
        cases=frozenset({"dynamic-plugins"}),
    ),
    Difference(
        why="a base URL that the user set is not contradicted by a generated one",
        apply=_leave_the_app_config_alone,
        cases=frozenset({"route-own-base-url"}),
    ),
)
