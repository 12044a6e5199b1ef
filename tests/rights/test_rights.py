"""The rights that are shipped are those that the operator uses, and no others.

What was used is what the audit logs say of the operator's ServiceAccount, over
all tests of the run; so this module runs last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.integration.scene import USER

from backstage_op.document import Document
from backstage_op.sandbox import AuditEvent, Sandbox, load

_RBAC: Final = Path(__file__).parents[2] / "deploy" / "rbac.yaml"


_OF_TESTS: Final = "example.test"
"""Groups of kinds that tests bring with them, and grant rights to."""


class Right(NamedTuple):
    """A verb on a resource, such as ``patch`` on ``backstages/status``."""

    verb: str
    api_group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}.{self.api_group or 'core'}"


_NEVER_SEEN: Final = {
    Right("update", "rhdh.redhat.com", "backstages/finalizers"): "asked for by the "
    "admission plugin OwnerReferencesPermissionEnforcement, which sends no request",
    Right("create", "route.openshift.io", "routes/custom-host"): "asked for by "
    "OpenShift's router, which the local control plane does not have",
    Right("update", "route.openshift.io", "routes/custom-host"): "as before",
    **{
        Right("get", group, resource): "read by name while a kind cannot be watched"
        for group, resource in (
            ("gateway.networking.k8s.io", "httproutes"),
            ("monitoring.coreos.com", "servicemonitors"),
            ("networking.k8s.io", "ingresses"),
            ("networking.k8s.io", "networkpolicies"),
            ("route.openshift.io", "routes"),
        )
    },
}
"""Rights that show in no audit log, and why they are granted all the same."""


@pytest.fixture
def used(
    sandbox: Sandbox, openshift_sandbox: Sandbox, spare_sandbox: Sandbox
) -> set[Right]:
    return {
        right
        for box in (sandbox, openshift_sandbox, spare_sandbox)
        for event in box.audit_events(0)
        if event.user == USER and event.resource and event.code != 403
        for right in _asked_for(event)
        if not right.api_group.endswith(_OF_TESTS)
    }


def _asked_for(event: AuditEvent) -> Iterator[Right]:
    """Yield what a request needs: one that applies and creates needs both."""
    resource = "/".join(part for part in (event.resource, event.subresource) if part)
    yield Right(event.verb, event.api_group, resource)
    if event.verb == "patch" and event.code == 201:
        yield Right("create", event.api_group, resource)


@pytest.mark.controlplane
@pytest.mark.whole_suite
def test_every_right_that_is_shipped_is_used(used: set[Right]) -> None:
    granted = set(_granted(load(_RBAC)))

    assert sorted(map(str, granted - used - _NEVER_SEEN.keys())) == []


@pytest.mark.controlplane
@pytest.mark.whole_suite
def test_every_request_has_a_right_that_is_shipped(used: set[Right]) -> None:
    granted = {right for path in _RBAC.parent.glob("*.yaml") for right in _all(path)}

    assert sorted(map(str, used - granted)) == []


def test_no_right_is_a_wildcard_or_leads_to_more_rights() -> None:
    granted = {right for path in _RBAC.parent.glob("*.yaml") for right in _all(path)}

    assert "*" not in {part for right in granted for part in right}
    assert not {right.verb for right in granted} & {"bind", "escalate", "impersonate"}
    assert not {right.resource for right in granted} & {
        "pods/exec",
        "nodes/proxy",
        "serviceaccounts/token",
    }


def _all(path: Path) -> Iterator[Right]:
    yield from _granted(load(path))


def _granted(documents: Iterable[Document]) -> Iterator[Right]:
    for document in documents:
        for rule in document.get("rules") or ():
            for verb in rule["verbs"]:
                for group in rule.get("apiGroups", ()):
                    for resource in rule.get("resources", ()):
                        yield Right(verb, group, resource)
