"""The local database: the Secret with its password, its Service, its StatefulSet."""

from __future__ import annotations

import base64
from typing import ClassVar, Final, final

import msgspec

from backstage_op import api, errors
from backstage_op.document import Document, ObjectRef

from . import naming, postgresql, rollout
from .base import Inputs, Instance, Kinds, Lifecycle, Readiness, RuntimeObject
from .pod_template import SECRET, Environment

SECRET_KEY: Final = "db-secret"  # noqa: S105 - the key of a node
SERVICE_KEY: Final = "db-service"
STATEFUL_SET_KEY: Final = "db-statefulset"

SECRET_CONFIG_KEY: Final = "db-secret.yaml"  # noqa: S105 - a key, not a secret
SERVICE_CONFIG_KEY: Final = "db-service.yaml"
STATEFUL_SET_CONFIG_KEY: Final = "db-statefulset.yaml"

EMPTY_SECRET: Final[Document] = {"apiVersion": "v1", "kind": SECRET, "type": "Opaque"}
"""What the password is put into where the configuration has no manifest for it."""

PORT: Final = "5432"
CLAIM: Final = "data"
"""The claim template whose claim guards the password and PostgreSQL's version."""
_PASSWORD: Final = "POSTGRES_PASSWORD"  # noqa: S105 - the key of an entry
_ADMIN_PASSWORD: Final = "POSTGRESQL_ADMIN_PASSWORD"  # noqa: S105 - likewise


@final
class DatabaseSecret(RuntimeObject, frozen=True, kw_only=True):
    """Where PostgreSQL is, and the password, which is made up once.

    If the data are retained it has no owner reference: the claim outlives the
    resource, and so must the password that opens it. ``major`` is the version of
    PostgreSQL that makes the data, if its image tells.
    """

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    manifest: Document
    password: str
    port: int = int(PORT)
    major: int | None = None
    retains: bool = True

    def __repr__(self) -> str:
        return f"DatabaseSecret({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Secret."""
        return secret_ref(self.instance)

    def desired(self) -> Document:
        """Return the Secret with a new password, and what the manifest adds."""
        values = {
            _PASSWORD: self.password,
            _ADMIN_PASSWORD: self.password,
            "POSTGRES_USER": "postgres",
            "POSTGRES_HOST": naming.database_name(self.instance.name),
            "POSTGRES_PORT": str(self.port),
        }
        data = {
            key: base64.b64encode(value.encode()).decode()
            for key, value in values.items()
        }
        manifest = {**self.manifest, "data": (self.manifest.get("data") or {}) | data}
        made = naming.stamped(
            manifest, self.instance, self.ref.name, owned=not self.retains
        )
        if self.major is not None:
            made["metadata"]["labels"][postgresql.MAJOR] = str(self.major)
        return made


@final
class DatabaseService(RuntimeObject, frozen=True, kw_only=True):
    """The headless Service that gives the database its host name."""

    manifest: Document

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Service."""
        name = naming.database_name(self.instance.name)
        return ObjectRef("v1", "Service", self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the Service, headless and selecting the database's pod."""
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        spec["selector"] = (spec.get("selector") or {}) | naming.database_label(
            self.instance.name
        )
        spec["clusterIP"] = "None"
        return document


@final
class DatabaseStatefulSet(RuntimeObject, frozen=True, kw_only=True):
    """PostgreSQL: one pod, one claim.

    ``secret`` is the Secret whose entries are its environment. Unless it
    ``retains`` the data, the claim goes with it.
    """

    manifest: Document
    secret: str
    image: str = ""
    local: api.LocalDatabase = api.LocalDatabase()
    is_idled: bool = False
    retains: bool = True

    @property
    def ref(self) -> ObjectRef:
        """The identity of the StatefulSet."""
        return stateful_set_ref(self.instance)

    def desired(self) -> Document:
        """Return the StatefulSet with its labels, environment, image and size.

        Raises:
            errors.SpecError: a size is asked for, and there is no claim.
        """
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        label = naming.database_label(self.instance.name)
        naming.select(spec, label, self.instance)
        spec["serviceName"] = naming.database_name(self.instance.name)
        if self.is_idled:
            spec["replicas"] = 0
        if not self.retains:
            policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
            spec["persistentVolumeClaimRetentionPolicy"] = {
                **policy,
                "whenDeleted": "Delete",
            }
        container = spec["template"]["spec"]["containers"][0]
        entry = Environment(SECRET, self.secret).document()
        container["envFrom"] = [*(container.get("envFrom") or []), entry]
        if self.image:
            container["image"] = self.image
        if self.local.resources:
            given = msgspec.to_builtins(self.local.resources)
            container["resources"] = (container.get("resources") or {}) | given
        self._size(spec)
        return document

    def _size(self, spec: Document) -> None:
        storage = self.local.storage
        if not storage.size and not storage.storage_class_name:
            return
        names = claim_names(spec)
        if CLAIM not in names:
            raise errors.SpecError(
                "spec.database.local.storage",
                f'{STATEFUL_SET_CONFIG_KEY} has no volumeClaimTemplate "{CLAIM}"; '
                "remove the field, or add the template",
            )
        claims: list[Document] = spec["volumeClaimTemplates"]
        claim = claims[names.index(CLAIM)].setdefault("spec", {})
        if storage.size:
            requests = claim.setdefault("resources", {}).setdefault("requests", {})
            requests["storage"] = storage.size
        if storage.storage_class_name:
            claim["storageClassName"] = storage.storage_class_name

    def ready(self, live: Document) -> Readiness:
        """Judge by the rollout of the current generation."""
        return rollout.stateful_set_readiness(live)


def claim_names(spec: Document) -> list[str]:
    """Return the names of the claim templates of a StatefulSet's spec."""
    return [
        str((claim.get("metadata") or {}).get("name"))
        for claim in spec.get("volumeClaimTemplates") or ()
    ]


def port_of(service: Document) -> int:
    """Return the port of the database, given the manifest of its Service."""
    ports = (service.get("spec") or {}).get("ports") or [{}]
    return int(ports[0].get("port", PORT))


def secret_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the Secret with the generated password."""
    name = naming.database_secret_name(instance.name)
    return ObjectRef("v1", SECRET, instance.namespace, name)


def stateful_set_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the StatefulSet."""
    name = naming.database_name(instance.name)
    return ObjectRef("apps/v1", "StatefulSet", instance.namespace, name)


def claim_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the claim with the data, which the cluster makes."""
    name = f"{CLAIM}-{naming.database_name(instance.name)}-0"
    return ObjectRef("v1", "PersistentVolumeClaim", instance.namespace, name)


def read_password(document: Document) -> str:
    """Return the password that the Secret keeps; empty if there is none."""
    data = document.get("data") or {}
    encoded = data.get(_PASSWORD) or data.get(_ADMIN_PASSWORD) or ""
    return base64.b64decode(encoded).decode("utf-8", "replace")


def secret_name(inputs: Inputs, instance: Instance) -> str:
    """Return the Secret with the database's coordinates; empty if there is none."""
    database = inputs.backstage.spec.database
    if database.auth_secret_name:
        return database.auth_secret_name
    if database.enable_local_db:
        return naming.database_secret_name(instance.name)
    return ""


KINDS: Final[dict[str, Kinds]] = {
    SECRET_CONFIG_KEY: (("v1", SECRET),),
    SERVICE_CONFIG_KEY: (("v1", "Service"),),
    STATEFUL_SET_CONFIG_KEY: (("apps/v1", "StatefulSet"),),
}
"""What the keys of the local database hold."""
