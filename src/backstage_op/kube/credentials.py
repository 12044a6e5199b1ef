"""Credentials that change while we run: the mounted token and the CA bundle.

A kubelet replaces both files long before the old ones stop being accepted.
They are read again at least every minute, so nothing old is ever presented.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Generator
from pathlib import Path
from typing import Final, final

import anyio
import httpx2

from backstage_op import errors

_log: Final = logging.getLogger(__name__)

REREAD_SECONDS: Final = 60.0
_UNAUTHORIZED: Final = 401


@final
class TokenFileAuth(httpx2.Auth):
    """A bearer token from a file; read each minute, and at once after a 401.

    Raises:
        errors.SettingsError: there is no token, and there never was one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._read_at = 0.0

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Send the token; after a 401, send a newer one if there is one."""
        if not self._token or anyio.current_time() - self._read_at >= REREAD_SECONDS:
            self._read()
        sent = self._token
        request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code != _UNAUTHORIZED:
            return
        self._read()
        if self._token != sent:
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _read(self) -> None:
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            if not self._token:
                raise errors.SettingsError(
                    f"token file {self._path}: {error}; mount or correct it"
                ) from error
            _log.warning("token file %s cannot be read, keeping the token", self._path)
            return
        # An empty file is one that is being replaced right now.
        if token:
            self._token, self._read_at = token, anyio.current_time()


@final
class TrustStore:
    """A TLS context whose CA bundle is loaded again when its file changes.

    A bundle only ever adds: an authority that was removed from the file is
    distrusted after the next start.
    """

    def __init__(self, context: ssl.SSLContext, file: Path | None) -> None:
        self.context = context
        self._file = file
        self._checked_at: float | None = None
        self._seen = self._stamp()

    def refresh(self) -> None:
        """Look at the file, at most once a minute."""
        now = anyio.current_time()
        if self._checked_at is not None and now - self._checked_at < REREAD_SECONDS:
            return
        self._checked_at = now
        stamp = self._stamp()
        if self._file is None or stamp in (None, self._seen):
            return
        try:
            self.context.load_verify_locations(cafile=self._file)
        except OSError as error:
            _log.warning("CA bundle %s cannot be loaded: %s", self._file, error)
        else:
            self._seen = stamp

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
