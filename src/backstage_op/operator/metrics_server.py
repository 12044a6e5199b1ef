"""``/metrics`` over TLS, for those whom the API server lets read it."""

from __future__ import annotations

from typing import Final, final

import anyio
import msgspec
from anyio.abc import TaskStatus

from backstage_op import kube

from . import server
from .authorization import Authorizer, Decision
from .certificate import Certificate, Files
from .metrics import CONTENT_TYPE, Metrics

_PATH: Final = "/metrics"
_REFUSALS: Final = {
    Decision.UNAUTHENTICATED: b"unauthorized\n",
    Decision.DENIED: b"forbidden\n",
    Decision.UNKNOWN: b"the API server does not answer\n",
}


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How the metrics are served.

    Attributes:
        address: Where.
        secure: Over TLS, to those who have the right to ``get`` the URL
            ``/metrics``; else plainly and to everybody.
        files: The certificate; without files the process signs one itself.
    """

    address: server.Address
    secure: bool = True
    files: Files | None = None


@final
class ExposedMetrics:
    """The server of the metrics. ``client`` asks the API server who may read."""

    def __init__(
        self, exposure: Exposure, metrics: Metrics, client: kube.Client
    ) -> None:
        self._exposure = exposure
        self._metrics = metrics
        self._authorizer = Authorizer(client)

    async def serve(
        self, *, task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; ``started()`` gives the port that was bound.

        Raises:
            errors.SettingsError: address or certificate cannot be used.
        """
        if self._exposure.secure:
            await server.serve(
                self._exposure.address,
                {_PATH: self._if_allowed},
                tls=Certificate(self._exposure.files).context,
                task_status=task_status,
            )
        else:
            await server.serve(
                self._exposure.address, {_PATH: self._show}, task_status=task_status
            )

    async def _if_allowed(self, request: server.Request) -> server.Response:
        decision = await self._authorizer.decide(request.token, request.path)
        if decision in _REFUSALS:
            return server.Response(decision, _REFUSALS[decision])
        return await self._show(request)

    async def _show(self, _: server.Request) -> server.Response:
        return server.Response(200, self._metrics.text(), CONTENT_TYPE)
