"""Two ways to write the same object, brought to one.

The Go operator sends empty structs and the fields that are keys of a list with
their defaults; ours sends what somebody wrote. Each rule takes one such
artifact away, from both sides. What remains must be equal.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from backstage_op.document import Document

CHECKSUM: Final = "rhdh.redhat.com/ext-config-hash"
_PASSWORDS: Final = ("POSTGRES_PASSWORD", "POSTGRESQL_ADMIN_PASSWORD")
_SUFFIXES: Final = {
    "Ki": Decimal(1 << 10),
    "Mi": Decimal(1 << 20),
    "Gi": Decimal(1 << 30),
    "m": Decimal("0.001"),
}
_ROLLING_UPDATE: Final = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
}


def normalized(document: Document) -> Document:
    """Return a copy of an object without the artifacts of either side."""
    document = copy.deepcopy(document)
    for rule in RULES:
        rule(document)
    return document


def _namespace_is_implied(document: Document) -> None:
    document["metadata"].pop("namespace", None)


def _the_digest_is_our_own(document: Document) -> None:
    for pod in _pods(document):
        annotations = pod.get("metadata", {}).get("annotations", {})
        if CHECKSUM in annotations:
            annotations[CHECKSUM] = "DIGEST"


def _passwords_are_random(document: Document) -> None:
    if document["kind"] == "Secret":
        for key in _PASSWORDS:
            if key in document.get("data", {}):
                document["data"][key] = "RANDOM"


def _empty_resources_say_nothing(document: Document) -> None:
    for container in _containers(document):
        if container.get("resources") == {}:
            del container["resources"]


def _quantities_are_numbers(document: Document) -> None:
    for owner in (*_containers(document), *_claims(document)):
        for amounts in owner.get("resources", {}).values():
            for name, amount in amounts.items():
                amounts[name] = _number(str(amount))


def _a_rolling_update_is_the_default(document: Document) -> None:
    spec = document.get("spec", {})
    if document["kind"] == "Deployment" and spec.get("strategy") == _ROLLING_UPDATE:
        del spec["strategy"]
    if document["kind"] == "StatefulSet":
        spec.pop("updateStrategy", None)


def _a_port_is_tcp_and_its_own_target(document: Document) -> None:
    for port in document.get("spec", {}).get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
    for container in _containers(document):
        for port in container.get("ports", []):
            port.setdefault("protocol", "TCP")


def _a_single_route_has_all_the_weight(document: Document) -> None:
    if document["kind"] == "Route":
        document["spec"]["to"].setdefault("weight", 100)


def _a_claim_template_is_a_filesystem(document: Document) -> None:
    for claim in document.get("spec", {}).get("volumeClaimTemplates", []):
        claim.pop("status", None)
        claim["spec"].setdefault("volumeMode", "Filesystem")


RULES: Final[tuple[Callable[[Document], None], ...]] = (
    _namespace_is_implied,
    _the_digest_is_our_own,
    _passwords_are_random,
    _empty_resources_say_nothing,
    _quantities_are_numbers,
    _a_rolling_update_is_the_default,
    _a_port_is_tcp_and_its_own_target,
    _a_single_route_has_all_the_weight,
    _a_claim_template_is_a_filesystem,
)


def _pods(document: Document) -> Iterator[Document]:
    template = document.get("spec", {}).get("template")
    if template is not None:
        yield template


def _containers(document: Document) -> Iterator[Document]:
    for pod in _pods(document):
        for field in ("containers", "initContainers"):
            yield from pod["spec"].get(field, [])


def _claims(document: Document) -> Iterator[Document]:
    spec = document.get("spec", {})
    if document["kind"] == "PersistentVolumeClaim":
        yield spec
    yield from (claim["spec"] for claim in spec.get("volumeClaimTemplates", []))


def _number(amount: str) -> Any:
    for suffix, factor in _SUFFIXES.items():
        if amount.endswith(suffix):
            return Decimal(amount.removesuffix(suffix)) * factor
    return Decimal(amount)
