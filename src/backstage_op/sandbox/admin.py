"""A sandbox's administrator: applies manifests, waits for what they need.

A plain synchronous client for setting a scene. The operator's own client is
:mod:`backstage_op.kube`; nothing here is meant for production.
"""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, final

import httpx2
import ruamel.yaml
from ruamel.yaml.error import YAMLError

from backstage_op import errors
from backstage_op.document import Document
from backstage_op.kube.kinds import ResourceKind

FIELD_MANAGER: Final = "backstage-op-sandbox"

Manifests: TypeAlias = "Path | Document | Iterable[Document]"
"""A file, a folder of ``*.yaml`` files, an object, or several."""

_CRD: Final = "CustomResourceDefinition"
_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 120.0


@final
class Admin:
    """An administrator's client of one API server. Closes as a context manager."""

    def __init__(self, url: str, certificate: Path, token: str) -> None:
        self._client = httpx2.Client(
            base_url=url,
            verify=ssl.create_default_context(cafile=str(certificate)),
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": FIELD_MANAGER,
            },
            timeout=60.0,
            trust_env=False,
        )
        self._kinds: dict[tuple[str, str], ResourceKind] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def is_ready(self) -> bool:
        """Whether the API server says that it serves."""
        try:
            return self._client.get("/readyz").is_success
        except httpx2.TransportError:
            return False

    def request(self, verb: str, path: str, **options: Any) -> Any:
        """Send one request and return the answer, decoded.

        Raises:
            errors.SandboxError: no answer, or one that is no success.
        """
        response = self._send(verb, path, **options)
        if not response.is_success:
            raise errors.SandboxError(
                f"{verb} {path}: {response.status_code} {_message(response)}"
            )
        return response.json()

    def get(self, path: str) -> Any | None:
        """Return an object or a list; None is absent."""
        response = self._send("GET", path)
        if response.status_code == httpx2.codes.NOT_FOUND:
            return None
        if not response.is_success:
            raise errors.SandboxError(
                f"get {path}: {response.status_code} {_message(response)}"
            )
        return response.json()

    def _send(self, verb: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request, again while the server says that it is not ready for it.

        It does so (429) for a moment after a definition is established.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                response = self._client.request(verb, path, **options)
            except httpx2.HTTPError as exc:
                raise errors.SandboxError(f"{verb} {path}: {exc}") from exc
            is_early = response.status_code == httpx2.codes.TOO_MANY_REQUESTS
            if not is_early or time.monotonic() > deadline:
                return response
            time.sleep(_POLL_SECONDS)

    def apply(self, manifests: Manifests) -> list[Document]:
        """Apply objects in their order, definitions first; return them as stored.

        Definitions are waited for until they are established.

        Raises:
            errors.SandboxError: the server refuses one, or does not know its kind.
        """
        documents = list(load(manifests))
        definitions = [item for item in documents if item["kind"] == _CRD]
        others = [item for item in documents if item["kind"] != _CRD]
        applied = [self._apply_one(item) for item in definitions]
        for item in definitions:
            self._wait_established(item)
        return applied + [self._apply_one(item) for item in others]

    def kind_of(self, document: Document) -> ResourceKind:
        """Return how the server serves an object's kind.

        Raises:
            errors.SandboxError: it does not.
        """
        api_version, kind = document["apiVersion"], document["kind"]
        if (api_version, kind) not in self._kinds:
            self._discover(api_version)
        try:
            return self._kinds[api_version, kind]
        except KeyError:
            raise errors.SandboxError(
                f"the sandbox serves no {kind} of {api_version};"
                " apply its CustomResourceDefinition first"
            ) from None

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds.

        Raises:
            errors.SandboxError: it did not within two minutes.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise errors.SandboxError(
                    f"{what}: not so within {_PATIENCE_SECONDS:.0f} s"
                )
            time.sleep(_POLL_SECONDS)

    def has_default_account(self, namespace: str) -> bool:
        """Whether a namespace has its default ServiceAccount, which pods need."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        return self.get(path) is not None

    def token(self, namespace: str, name: str, lifetime: datetime.timedelta) -> str:
        """Return a new token of a ServiceAccount, which must exist.

        Raises:
            errors.SandboxError: there is no such ServiceAccount.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": int(lifetime.total_seconds())},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.request("POST", path, json=body)
        token: str = answer["status"]["token"]
        return token

    def _apply_one(self, document: Document) -> Document:
        kind = self.kind_of(document)
        metadata = document["metadata"]
        namespace = metadata.get("namespace", "default")
        stored: Document = self.request(
            "PATCH",
            kind.path(namespace, metadata["name"]),
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=document,
        )
        return stored

    def _wait_established(self, definition: Document) -> None:
        name = definition["metadata"]["name"]
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"

        def is_established() -> bool:
            live = self.get(path) or {}
            conditions = live.get("status", {}).get("conditions") or ()
            return any(
                item["type"] == "Established" and item["status"] == "True"
                for item in conditions
            )

        self.wait_until(is_established, f"definition {name} is established")
        versions = [
            f"{definition['spec']['group']}/{version['name']}"
            for version in definition["spec"]["versions"]
            if version.get("served", True)
        ]
        kind = definition["spec"]["names"]["kind"]
        for version in versions:
            # Discovery and the handler follow the condition by some milliseconds.
            self.wait_until(
                lambda version=version: self._serves(version, kind),  # type: ignore[misc]
                f"{kind} of {version} is served",
            )

    def _serves(self, api_version: str, kind: str) -> bool:
        self._discover(api_version)
        found = self._kinds.get((api_version, kind))
        return found is not None and self.get(found.path()) is not None

    def _discover(self, api_version: str) -> None:
        root = "/api" if "/" not in api_version else "/apis"
        listing = self.get(f"{root}/{api_version}") or {"resources": []}
        for item in listing["resources"]:
            if "/" not in item["name"]:
                self._kinds[api_version, item["kind"]] = ResourceKind(
                    api_version, item["kind"], item["name"], item["namespaced"]
                )


def load(manifests: Manifests) -> Iterator[Document]:
    """Yield the objects of manifests, in their order.

    Raises:
        errors.SandboxError: a file is absent or is not YAML.
    """
    if isinstance(manifests, Path):
        yield from _load_path(manifests)
    elif isinstance(manifests, dict):
        yield manifests
    else:
        yield from manifests


def _load_path(path: Path) -> Iterator[Document]:
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    for file in files:
        try:
            with file.open("rb") as stream:
                found = list(ruamel.yaml.YAML(typ="safe", pure=True).load_all(stream))
        except (OSError, YAMLError) as exc:
            raise errors.SandboxError(f"cannot read {file}: {exc}") from exc
        for document in found:
            if document is None:
                continue
            if document.get("kind", "").endswith("List") and "items" in document:
                yield from document["items"]
            else:
                yield document


def _message(response: httpx2.Response) -> str:
    try:
        message: str = response.json()["message"]
    except (ValueError, KeyError):
        return response.text[:256]
    return message
