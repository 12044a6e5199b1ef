"""A PostgreSQL that nobody's operator knows about: the external database."""

from __future__ import annotations

from typing import Final

from backstage_op.document import Document

from . import restricted
from .kubectl import Kubectl, KubectlError, wait_until

CREDENTIALS: Final = "external-credentials"
_NAME: Final = "external-database"
_PASSWORD: Final = "an external password"
_LIST: Final = "SELECT datname FROM pg_database"


def start(kubectl: Kubectl, image: str) -> None:
    """Start it, and return when it takes the password."""
    kubectl.apply(*_documents(image))

    def is_open() -> bool:
        try:
            return "postgres" in databases(kubectl)
        except KubectlError:
            return False

    wait_until(is_open, lambda: kubectl.get("pod", _NAME)["status"])


def databases(kubectl: Kubectl) -> list[str]:
    """Return the names of its databases."""
    address = "postgresql://postgres@127.0.0.1/postgres"
    variable = f"PGPASSWORD={_PASSWORD}"
    return kubectl.exec(
        _NAME,
        "env",
        variable,
        "psql",
        "--no-align",
        "--tuples-only",
        "-c",
        _LIST,
        address,
    ).split()


def _documents(image: str) -> list[Document]:
    labels = {"app.kubernetes.io/name": _NAME}
    values = {
        "POSTGRES_HOST": _NAME,
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": _PASSWORD,
        "POSTGRESQL_ADMIN_PASSWORD": _PASSWORD,
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": CREDENTIALS},
        "stringData": values,
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME},
        "spec": {"selector": labels, "ports": [{"port": 5432}]},
    }
    container = {
        "name": "postgresql",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "envFrom": [{"secretRef": {"name": CREDENTIALS}}],
        "env": [{"name": "PGDATA", "value": "/var/lib/pgsql/data/userdata"}],
        "securityContext": restricted.CONTAINER,
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/pgsql/data"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": restricted.pod(26, fsGroup=26),
            "containers": [container],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }
    return [secret, service, pod]
