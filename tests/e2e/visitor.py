"""Somebody else in the cluster: asks the portal through its Service.

A pod of its own, so that it goes on while the portal's pods are replaced. It
also serves a file with an entity, for a portal to register.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, final

import msgspec

from backstage_op.document import Document

from . import restricted
from .kubectl import DEADLINE_SECONDS, Kubectl, KubectlError, wait_until

ENTITY_NAME: Final = "registered-by-hand"
_NAME: Final = "visitor"
_PORT: Final = 8080
_SERVE: Final = f"""
const entity = process.env.ENTITY;
require('node:http').createServer((_, answer) => answer.end(entity)).listen({_PORT});
process.on('SIGTERM', () => process.exit());
"""
_ASK: Final = """
const [method, url, headers, body] = process.argv.slice(1);
const options = {method, headers: JSON.parse(headers), redirect: 'manual'};
if (body) options.body = body;
const print = answer => console.log(JSON.stringify(answer));
fetch(url, {...options, signal: AbortSignal.timeout(20000)}).then(
  async answer => print({status: answer.status, body: await answer.text()}),
  error => print({status: 0, body: String(error.cause ?? error)}));
"""
_WATCH: Final = """
const [url] = process.argv.slice(1);
let served = 0;
const failed = [];
const ask = async () => {
  const answer = await fetch(url, {signal: AbortSignal.timeout(20000)})
    .then(async a => (await a.text(), a.status), e => String(e.cause ?? e));
  if (answer === 200) served++; else failed.push(answer);
};
console.log('started');
let isOver = false;
process.stdin.on('data', () => {}).on('end', () => { isOver = true; });
(async () => {
  while (!isOver) { await ask(); await new Promise(done => setTimeout(done, 200)); }
  console.log(JSON.stringify({served, failed}));
  process.exit();
})();
"""
_ENTITY: Final[Document] = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {"name": ENTITY_NAME},
    "spec": {"type": "service", "lifecycle": "production", "owner": "guests"},
}
ENTITY_URL: Final = f"http://{_NAME}:{_PORT}/catalog-info.yaml"


class Answer(msgspec.Struct, frozen=True):
    """What a server answered; status 0 and the reason if nobody did."""

    status: int
    body: str

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


class Visit(msgspec.Struct):
    """How a visitor fared who asked again and again; complete when the visit ends."""

    served: int = 0
    failed: list[int | str] = []


@final
class Visitor:
    """The pod, in the namespace of a portal."""

    def __init__(self, kubectl: Kubectl, image: str) -> None:
        self._kubectl = kubectl
        self._image = image

    def arrive(self) -> None:
        """Start the pod, and return when it runs."""
        self._kubectl.apply(*_documents(self._image))
        wait_until(self._is_ready, lambda: self._kubectl.get("pod", _NAME)["status"])

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        token: str = "",
        body: Document | None = None,
    ) -> Answer:
        """Send one request, from within the cluster."""
        headers = {"Content-Type": "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        sent = json.dumps(body) if body else ""
        script = ("node", "-e", _ASK, "--", method, url, json.dumps(headers), sent)
        try:
            printed = self._kubectl.exec(_NAME, *script)
        except KubectlError as error:
            return Answer(0, str(error))
        return msgspec.json.decode(printed, type=Answer)

    @contextmanager
    def asking(self, url: str) -> Iterator[Visit]:
        """Ask again and again while the block runs."""
        script = ("exec", "-i", _NAME, "--", "node", "-e", _WATCH, "--", url)
        visit = Visit()
        with subprocess.Popen(
            self._kubectl.command(*script),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == "started"
                yield visit
                printed, _ = process.communicate(timeout=DEADLINE_SECONDS)
                found = json.loads(printed)
                visit.served, visit.failed = found["served"], found["failed"]
            finally:
                process.kill()

    def _is_ready(self) -> bool:
        status = self._kubectl.get("pod", _NAME)["status"]
        return all(
            c["ready"] for c in status.get("containerStatuses") or [{"ready": 0}]
        )


def _documents(image: str) -> list[Document]:
    labels = {"app.kubernetes.io/name": _NAME}
    container = {
        "name": _NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["node", "-e", _SERVE],
        "env": [{"name": "ENTITY", "value": json.dumps(_ENTITY)}],
        "readinessProbe": {"httpGet": {"path": "/", "port": _PORT}, "periodSeconds": 1},
        "securityContext": restricted.CONTAINER | {"readOnlyRootFilesystem": True},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": restricted.pod(1000),
            "containers": [container],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME},
        "spec": {"selector": labels, "ports": [{"port": _PORT}]},
    }
    return [pod, service]
