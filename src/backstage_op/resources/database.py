"""The local database: the Secret with its password, its Service, its StatefulSet."""

from __future__ import annotations

import base64
from typing import ClassVar, Final, final

from backstage_op.document import Document, ObjectRef

from . import naming, rollout
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

_PORT: Final = "5432"


@final
class DatabaseSecret(RuntimeObject, frozen=True, kw_only=True):
    """Where PostgreSQL is, and the password, which is made up once.

    It has no owner reference: the claim with the data outlives the resource,
    and so must the password that opens it.
    """

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    manifest: Document
    password: str

    def __repr__(self) -> str:
        return f"DatabaseSecret({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Secret."""
        name = naming.database_secret_name(self.instance.name)
        return ObjectRef("v1", SECRET, self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the Secret with a new password."""
        values = {
            "POSTGRES_PASSWORD": self.password,
            "POSTGRESQL_ADMIN_PASSWORD": self.password,
            "POSTGRES_USER": "postgres",
            "POSTGRES_HOST": naming.database_name(self.instance.name),
            "POSTGRES_PORT": _PORT,
        }
        manifest = {**self.manifest}
        manifest.pop("stringData", None)
        manifest["data"] = {
            key: base64.b64encode(value.encode()).decode()
            for key, value in values.items()
        }
        return naming.stamped(manifest, self.instance, self.ref.name, owned=False)


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

    ``secret`` is the Secret whose entries are its environment.
    """

    manifest: Document
    secret: str
    image: str = ""
    is_idled: bool = False

    @property
    def ref(self) -> ObjectRef:
        """The identity of the StatefulSet."""
        name = naming.database_name(self.instance.name)
        return ObjectRef("apps/v1", "StatefulSet", self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the StatefulSet with its labels, environment and image."""
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        label = naming.database_label(self.instance.name)
        naming.select(spec, label)
        spec["serviceName"] = naming.database_name(self.instance.name)
        if self.is_idled:
            spec["replicas"] = 0
        container = spec["template"]["spec"]["containers"][0]
        entry = Environment(SECRET, self.secret).document()
        container["envFrom"] = [*(container.get("envFrom") or []), entry]
        if self.image:
            container["image"] = self.image
        return document

    def ready(self, live: Document) -> Readiness:
        """Judge by the rollout of the current generation."""
        return rollout.stateful_set_readiness(live)


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
