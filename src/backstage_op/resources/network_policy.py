"""Network policies: of the portal's pods, and of the local database's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, final

from backstage_op.document import Document, ObjectRef, copied

from . import configured, naming
from .base import Kinds, RuntimeObject
from .scope import Scope

KEY: Final = "networkpolicy"
CONFIG_KEY: Final = "networkpolicy.yaml"
KINDS: Final[Kinds] = (("networking.k8s.io/v1", "NetworkPolicy"),)

_PREFIX: Final = "backstage-netpol"
_DATABASE_PREFIX: Final = "backstage-db-netpol"
_DATABASE: Final = "backstage-psql"
_FROM_ROUTER: Final = "allow-router-ingress"
_OPENSHIFT_ROUTER: Final[Document] = {
    "matchLabels": {"policy-group.network.openshift.io/ingress": ""}
}
_RULES: Final = (("ingress", "from"), ("egress", "to"))


@final
class Policy(RuntimeObject, frozen=True, kw_only=True):
    """One policy of the configuration.

    In its selectors the label of the application stands for the pods of the
    instance: those of the database if its value begins with ``backstage-psql``,
    else those of the portal.

    Attributes:
        source: The layer, for the annotation; empty for none.
        has_database: Whether the local database exists. If not, what may reach it
            may reach its port anywhere.
        is_openshift: Whether the router's namespace has its label.
    """

    manifest: Document
    source: str
    has_database: bool
    is_openshift: bool

    @property
    def ref(self) -> ObjectRef:
        """The identity of the policy."""
        prefix = _DATABASE_PREFIX if is_of_database(self.manifest) else _PREFIX
        name = naming.part_name(prefix, self.instance.name, self._configured_name)
        return ObjectRef(*KINDS[0], self.instance.namespace, name)

    @property
    def _configured_name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    def desired(self) -> Document:
        """Return the policy, about the pods of the instance."""
        annotations = {naming.CONFIGURED_NAME: self._configured_name}
        if self.source:
            annotations[naming.SOURCE] = self.source
        document = naming.stamped(
            self.manifest, self.instance, self.ref.name, annotations=annotations
        )
        spec = document.setdefault("spec", {})
        selector = spec.setdefault("podSelector", {})
        document["metadata"]["labels"] |= self._label_of(is_of_database(document))
        self._select(selector)
        for field, peers_of in _RULES:
            for rule in spec.get(field) or ():
                self._peers(rule, peers_of)
        return document

    def _peers(self, rule: Document, field: str) -> None:
        peers: list[Document] = rule.get(field) or []
        selectors = [peer.get("podSelector") or {} for peer in peers]
        if not self.has_database and any(map(_names_database, selectors)):
            # The database is elsewhere: its port may be reached wherever that is.
            del rule[field]
            return
        is_from_router = self.is_openshift and self._configured_name == _FROM_ROUTER
        for peer, selector in zip(peers, selectors, strict=True):
            self._select(selector)
            if is_from_router and "namespaceSelector" in peer:
                peer["namespaceSelector"] = copied(_OPENSHIFT_ROUTER)

    def _select(self, selector: Document) -> None:
        labels = selector.get("matchLabels") or {}
        if naming.APP_LABEL in labels:
            labels |= self._label_of(_names_database(selector))

    def _label_of(self, is_database: bool) -> dict[str, str]:
        name = self.instance.name
        return naming.database_label(name) if is_database else naming.app_label(name)


def objects(scope: Scope) -> Iterator[RuntimeObject]:
    """Yield the policies of the configuration, unless they are turned off."""
    spec = scope.inputs.backstage.spec
    if not spec.network_policies.enabled:
        return
    has_database = spec.database.enable_local_db
    for layered in scope.many(CONFIG_KEY, KINDS):
        if has_database or not is_of_database(layered.document):
            yield Policy(
                key=f"{KEY}/{layered.document['metadata']['name']}",
                instance=scope.instance,
                manifest=layered.document,
                source=configured.source_of(CONFIG_KEY, layered),
                has_database=has_database,
                is_openshift=scope.inputs.platform.is_openshift,
            )


def is_of_database(manifest: Document) -> bool:
    """Tell whether a policy is about the pods of the local database."""
    return _names_database((manifest.get("spec") or {}).get("podSelector") or {})


def _names_database(selector: Document) -> bool:
    labels: Any = selector.get("matchLabels") or {}
    return str(labels.get(naming.APP_LABEL, "")).startswith(_DATABASE)
