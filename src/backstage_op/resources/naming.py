"""Names, labels, annotations and the owner reference of every object made.

A name is the one the Go operator gives as long as that name is legal for the
kind; a longer one is cut and ends in a digest of the whole, so that two long
names never meet.
"""

from __future__ import annotations

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
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
HOME_LABEL: Final = "rhdh.redhat.com/backstage-namespace"

CONFIGURED_NAME: Final = "rhdh.redhat.com/configured-name"
SOURCE: Final = "rhdh.redhat.com/source"
MOUNT_PATH: Final = "rhdh.redhat.com/mount-path"
SUB_PATH: Final = "rhdh.redhat.com/sub-path"
CONTAINERS: Final = "rhdh.redhat.com/containers"
CHECKSUM: Final = "rhdh.redhat.com/ext-config-hash"
NOTED_CHECKSUM: Final = "rhdh.redhat.com/config-hash"
SYNC: Final = "rhdh.redhat.com/ext-config-sync"
IDLE: Final = "rhdh.redhat.com/idle"
PATCH_LIST_MODE: Final = "rhdh.redhat.com/deployment-patch-list-merge-mode"

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


def stateful_set_name(cr: str) -> str:
    """Return the name of the portal where it is a StatefulSet."""
    return label_name(f"backstage-{cr}", MAX_STATEFUL_SET)


def headless_service_name(cr: str) -> str:
    """Return the name of the Service that gives the pods of a StatefulSet names.

    It does not begin with "backstage-", as the Service of another instance does.
    """
    return label_name(f"headless-backstage-{cr}")


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


def plugin_app_config_name(cr: str) -> str:
    """Return the name of the ConfigMap with the app-config of the plugins."""
    return part_name("backstage-appconfig", cr, "plugins-appconfig")


def checksum_key_name(cr: str) -> str:
    """Return the name of the Secret with the key of the configuration's digest."""
    return fit(f"backstage-checksum-key-{cr}", MAX_NAME)


def backend_secret_name(cr: str) -> str:
    """Return the name of the Secret that the backend signs with."""
    return fit(f"backstage-backend-secret-{cr}", MAX_NAME)


def service_monitor_name(cr: str) -> str:
    """Return the name of the ServiceMonitor of an instance."""
    return fit(f"metrics-{cr}", MAX_NAME)


def part_name(prefix: str, cr: str, configured: str) -> str:
    """Return the name of one of several objects of a configuration key."""
    return fit(f"{prefix}-{cr}-{configured}", MAX_NAME)


def app_label(cr: str) -> dict[str, str]:
    """Return the label that selects the pods of the application."""
    return {APP_LABEL: fit(f"backstage-{cr}", MAX_LABEL)}


def database_label(cr: str) -> dict[str, str]:
    """Return the label that selects the pod of the local database."""
    return {APP_LABEL: fit(f"backstage-psql-{cr}", MAX_LABEL)}


def pod_labels(instance: Instance) -> tuple[str, str]:
    """Return the values of that label for an instance: portal, database."""
    portal, database = app_label(instance.name), database_label(instance.name)
    return portal[APP_LABEL], database[APP_LABEL]


def common_labels(cr: str) -> dict[str, str]:
    """Return the labels that every object of an instance carries."""
    return {NAME_LABEL: "backstage", INSTANCE_LABEL: fit(cr, MAX_LABEL)}


def distant_labels(instance: Instance) -> dict[str, str]:
    """Return the labels by which an object in another namespace belongs to us."""
    return common_labels(instance.name) | {
        HOME_LABEL: instance.namespace,
        MANAGED_BY_LABEL: "backstage-op",
    }


OWNED_SELECTOR: Final = f"{NAME_LABEL}=backstage"
"""Selects every object that was made for any instance."""


def carries_labels_of(instance: Instance, labels: Mapping[str, str]) -> bool:
    """Tell whether labels are those of an object made for the instance."""
    return common_labels(instance.name).items() <= labels.items()


def carries_distant_labels_of(instance: Instance, labels: Mapping[str, str]) -> bool:
    """Tell whether labels are those of an object made for it in another namespace."""
    return distant_labels(instance).items() <= labels.items()


def opts_out(labels: Mapping[str, str]) -> bool:
    """Tell whether a user asks that changes of an object wake nobody."""
    return labels.get(SYNC) == "false"


def instance_name_of(labels: Mapping[str, str]) -> str | None:
    """Return the instance that an object's labels name, if they name one."""
    return labels.get(INSTANCE_LABEL)


def select(spec: Document, label: dict[str, str], instance: Instance) -> None:
    """Make a workload's spec select its own pods by a label.

    The pods also get the labels and annotations that all objects get.
    """
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = (selector.get("matchLabels") or {}) | label
    metadata = spec["template"].setdefault("metadata", {})
    _add_common(metadata, instance)
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
    document: Document = without_nulls(manifest)
    document.pop("status", None)
    metadata = document.get("metadata") or {}
    for field in (*_SERVER_FIELDS, "ownerReferences", "generateName", "finalizers"):
        metadata.pop(field, None)
    metadata["name"] = name
    metadata["namespace"] = instance.namespace
    _add_common(metadata, instance)
    metadata["labels"] = (metadata.get("labels") or {}) | common_labels(instance.name)
    if annotations:
        metadata["annotations"] = (metadata.get("annotations") or {}) | annotations
    if owned:
        metadata["ownerReferences"] = [owner_reference(instance)]
    document["metadata"] = metadata
    return document


def _add_common(metadata: Document, instance: Instance) -> None:
    """Add what all objects get; a manifest that says otherwise is left alone."""
    for field, common in (
        ("labels", instance.labels),
        ("annotations", instance.annotations),
    ):
        if common:
            metadata[field] = dict(common) | (metadata.get(field) or {})


def without_nulls(tree: Any) -> Any:
    """Return a copy of a JSON tree without the members that are null."""
    if isinstance(tree, dict):
        return {k: without_nulls(v) for k, v in tree.items() if v is not None}
    if isinstance(tree, list):
        return [without_nulls(item) for item in tree if item is not None]
    return tree


def _cut(readable: str, whole: str, limit: int) -> str:
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    kept = readable[: limit - _DIGEST_CHARACTERS - 1].strip("-.")
    return f"{kept}-{digest}" if kept else f"x{digest}"
