"""The object that is read and written here."""

from __future__ import annotations

from typing import Final

from tests.support.exchange import Key

from backstage_op import kube
from backstage_op.document import Document

KEY: Final = Key("v1", "configmaps", "team", "a")
REF: Final = kube.CONFIG_MAP.ref("team", "a")


def config_map(value: str = "1") -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "team"},
        "data": {"key": value},
    }
