"""Changes of ConfigMaps, and how soon the Deployments that mount them follow."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias, final

import anyio
import msgspec

from backstage_op import kube, sandbox
from backstage_op.document import Document

from .instance import is_write

IsFollower: TypeAlias = Callable[[sandbox.AuditEvent], bool]

APP_CONFIG: Final = "app-config.yaml"

_NOT_WORK: Final = ("leases", "events", "nodes")
_NOTICED_SECONDS: Final = 5.0
_REST_SECONDS: Final = 3.0
_LONGEST_REST_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.5


class Followed(msgspec.Struct, frozen=True):
    """Seconds from each change to its Deployment, sorted; ``missed`` did not follow."""

    seconds: tuple[float, ...]
    missed: int

    def quantile(self, share: float) -> float:
        """Return how long the given share of the changes took at most."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


@final
class Changes:
    """ConfigMaps of one namespace, each mounted by ``Deployment backstage-NAME``."""

    def __init__(
        self,
        box: sandbox.Sandbox,
        client: kube.Client,
        namespace: str,
        names: Sequence[str],
    ) -> None:
        self._box = box
        self._client = client
        self._namespace = namespace
        self._names = names

    async def create(self) -> None:
        """Create the ConfigMaps."""
        for name in self._names:
            await self._client.create(config_map(self._namespace, name, "0"))

    async def make(
        self, apart_seconds: float, is_follower: IsFollower, most: int | None = None
    ) -> Followed:
        """Change each ConfigMap once, and see when its Deployment is patched.

        Only the first ``most`` of them, if it is said how many.
        """
        offset = self._box.audit_offset()
        token = secrets.token_hex(4)
        due = anyio.current_time()
        names = self._names[:most]
        for name in names:
            await anyio.sleep_until(due)
            due += apart_seconds
            await self._client.apply(config_map(self._namespace, name, token))
        await anyio.sleep(_NOTICED_SECONDS)
        took = sorted(self._followed(self._box.audit_events(offset), is_follower))
        return Followed(tuple(took), len(names) - len(took))

    def _followed(
        self, events: Sequence[sandbox.AuditEvent], is_follower: IsFollower
    ) -> Iterator[float]:
        changed: dict[str, datetime.datetime] = {}
        for event in events:
            if event.namespace != self._namespace or event.verb != "patch":
                continue
            if event.resource == "configmaps":
                changed[event.name] = event.timestamp
            elif event.resource == "deployments" and is_follower(event):
                since = changed.pop(event.name.removeprefix("backstage-"), None)
                if since is not None:
                    yield (event.timestamp - since).total_seconds()


def config_map(namespace: str, name: str, token: str) -> Document:
    """Return the ConfigMap of an instance; another token, another content."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {APP_CONFIG: f"app: {{title: {token}}}\n"},
    }


async def come_to_rest(box: sandbox.Sandbox) -> float:
    """Wait until nobody has written anything for three seconds.

    Returns how many seconds that took; three minutes are the most.
    """
    start = quiet_since = time.monotonic()
    offset = box.audit_offset()
    while (now := time.monotonic()) - start < _LONGEST_REST_SECONDS:
        if now - quiet_since >= _REST_SECONDS:
            break
        await anyio.sleep(_POLL_SECONDS)
        following = box.audit_offset()
        if any(map(_is_work, box.audit_events(offset))):
            quiet_since = time.monotonic()
        offset = following
    return time.monotonic() - start


def _is_work(event: sandbox.AuditEvent) -> bool:
    return is_write(event) and event.resource not in _NOT_WORK
