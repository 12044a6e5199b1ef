"""Names, labels, annotations and the owner reference of every object made.

A name is the one the Go operator gives as long as that name is legal for the
kind; a longer one is cut and ends in a digest of the whole, so that two long
names never meet.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from backstage_op import api
from backstage_op.document import Document

from .base import Instance

APP_LABEL: Final = "rhdh.redhat.com/app"
NAME_LABEL: Final = "app.kubernetes.io/name"
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"

CONFIGURED_NAME: Final = "rhdh.redhat.com/configured-name"
SOURCE: Final = "rhdh.redhat.com/source"
MOUNT_PATH: Final = "rhdh.redhat.com/mount-path"
SUB_PATH: Final = "rhdh.redhat.com/sub-path"
CONTAINERS: Final = "rhdh.redhat.com/containers"
CHECKSUM: Final = "rhdh.redhat.com/ext-config-hash"
IDLE: Final = "rhdh.redhat.com/idle"

BACKEND_CONTAINER: Final = "backstage-backend"
PLUGINS_CONTAINER: Final = "install-dynamic-plugins"

MAX_NAME: Final = 253
MAX_LABEL: Final = 63
# The controller labels the pods of a StatefulSet with "<name>-<hash>", and that
# hash has up to ten digits: a longer name never got a pod.
MAX_STATEFUL_SET: Final = 52

_DIGEST_CHARACTERS: Final = 8
_DNS_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SERVER_FIELDS: Final = (
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def fit(name: str, limit: int) -> str:
    """Return the name, cut and with a digest if it is longer than ``limit``."""
    if len(name) <= limit:
        return name
    return _cut(name, name, limit)


def label_name(text: str, limit: int = MAX_LABEL) -> str:
    """Return a DNS label for a text: the text itself wherever it is one.

    Services and StatefulSets need one, where most kinds also take dots.
    """
    if len(text) <= limit and _DNS_LABEL.fullmatch(text):
        return text
    return _cut(volume_label(text), text, limit)


def volume_label(text: str) -> str:
    """Return what a volume of an object of this name is called, before cutting.

    Lower case; whatever a DNS label must not hold becomes one dash.
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def volume_name(kind: str, name: str, taken: Mapping[str, object]) -> str:
    """Return a free name for the volume of an object.

    ``taken`` are the names in use. Two objects whose names differ only in what
    a label must not hold, or only in their kind, get different volumes.
    """
    plain = volume_label(name)[:MAX_LABEL].strip("-")
    if plain and plain not in taken:
        return plain
    return _cut(plain, f"{kind}/{name}", MAX_LABEL)


def app_name(cr: str) -> str:
    """Return the name of the Deployment and the Route of an instance."""
    return fit(f"backstage-{cr}", MAX_NAME)


def service_name(cr: str) -> str:
    """Return the name of the Service of an instance."""
    return label_name(f"backstage-{cr}")


def database_name(cr: str) -> str:
    """Return the name of the StatefulSet and the Service of the local database."""
    return label_name(f"backstage-psql-{cr}", MAX_STATEFUL_SET)


def database_secret_name(cr: str) -> str:
    """Return the name of the Secret with the password of the local database."""
    return fit(f"backstage-psql-secret-{cr}", MAX_NAME)


def dynamic_plugins_name(cr: str) -> str:
    """Return the name of the ConfigMap with the merged list of plugins."""
    return fit(f"backstage-dynamic-plugins-{cr}", MAX_NAME)


def checksum_key_name(cr: str) -> str:
    """Return the name of the Secret with the key of the configuration's digest."""
    return fit(f"backstage-checksum-key-{cr}", MAX_NAME)


def part_name(prefix: str, cr: str, configured: str) -> str:
    """Return the name of one of several objects of a configuration key."""
    return fit(f"{prefix}-{cr}-{configured}", MAX_NAME)


def app_label(cr: str) -> dict[str, str]:
    """Return the label that selects the pods of the application."""
    return {APP_LABEL: fit(f"backstage-{cr}", MAX_LABEL)}


def database_label(cr: str) -> dict[str, str]:
    """Return the label that selects the pod of the local database."""
    return {APP_LABEL: fit(f"backstage-psql-{cr}", MAX_LABEL)}


def common_labels(cr: str) -> dict[str, str]:
    """Return the labels that every object of an instance carries."""
    return {NAME_LABEL: "backstage", INSTANCE_LABEL: fit(cr, MAX_LABEL)}


OWNED_SELECTOR: Final = f"{NAME_LABEL}=backstage"
"""Selects every object that was made for any instance."""


def carries_labels_of(instance: Instance, labels: Mapping[str, str]) -> bool:
    """Tell whether labels are those of an object made for the instance."""
    wanted = common_labels(instance.name)
    return all(labels.get(key) == value for key, value in wanted.items())


def instance_name_of(labels: Mapping[str, str]) -> str | None:
    """Return the instance that an object's labels name, if they name one."""
    return labels.get(INSTANCE_LABEL)


def select(spec: Document, label: dict[str, str]) -> None:
    """Make a workload's spec select its own pods by a label."""
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = (selector.get("matchLabels") or {}) | label
    metadata = spec["template"].setdefault("metadata", {})
    metadata["labels"] = (metadata.get("labels") or {}) | label


def owner_reference(instance: Instance) -> Document:
    """Return the reference that makes the instance the controller of an object."""
    return {
        "apiVersion": api.API_VERSION,
        "kind": api.KIND,
        "name": instance.name,
        "uid": instance.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def stamped(
    manifest: Document,
    instance: Instance,
    name: str,
    *,
    annotations: dict[str, str] | None = None,
    owned: bool = True,
) -> Document:
    """Return a copy of a manifest as an object of the instance.

    It gets the name, the namespace, the common labels, the annotations and,
    if ``owned``, the owner reference. What only a server sets is left out,
    and so is every null: applied, a null would mean "remove".
    """
    document: Document = without_nulls(copy.deepcopy(manifest))
    document.pop("status", None)
    metadata = document.get("metadata") or {}
    for field in (*_SERVER_FIELDS, "ownerReferences", "generateName", "finalizers"):
        metadata.pop(field, None)
    metadata["name"] = name
    metadata["namespace"] = instance.namespace
    metadata["labels"] = (metadata.get("labels") or {}) | common_labels(instance.name)
    if annotations:
        metadata["annotations"] = (metadata.get("annotations") or {}) | annotations
    if owned:
        metadata["ownerReferences"] = [owner_reference(instance)]
    document["metadata"] = metadata
    return document


def without_nulls(tree: Any) -> Any:
    """Return a JSON tree without the members of objects and lists that are null."""
    match tree:
        case dict():
            return {k: without_nulls(v) for k, v in tree.items() if v is not None}
        case list():
            return [without_nulls(item) for item in tree if item is not None]
        case _:
            return tree


def _cut(readable: str, whole: str, limit: int) -> str:
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    kept = readable[: limit - _DIGEST_CHARACTERS - 1].strip("-.")
    return f"{kept}-{digest}" if kept else f"x{digest}"
