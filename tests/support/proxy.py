"""A proxy between a process and the real API server, that breaks what passes it.

It speaks plain HTTP on loopback and passes the token on, so that rights stay
real. A connection of its own carries each request to the server.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, final

_SECONDS: Final = 120.0
_HOP: Final = frozenset({"connection", "transfer-encoding", "content-length", "host"})
_READS: Final = "GET"


@final
class Proxy:
    """Counts writes; after the one that :meth:`after_write` names, calls back.

    By then the server has done what was asked; the answer never arrives.
    """

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self._lock = threading.Lock()
        self._left = 0
        self._react: Callable[[], object] = lambda: None

    def after_write(self, number: int, react: Callable[[], object]) -> None:
        """Call back after so many writes from now on; never for 0."""
        with self._lock:
            self._left, self._react = number, react

    def is_last(self) -> bool:
        """Count a write, and tell whether it is the one."""
        with self._lock:
            self._left -= 1
            return self._left == 0

    def react(self) -> None:
        """Do what was asked for."""
        self._react()


@contextlib.contextmanager
def running(server: str, certificate: Path) -> Iterator[Proxy]:
    """Run a proxy to a server, for the time of a ``with``."""
    with _Listener(server, certificate) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield listener.proxy
        finally:
            listener.shutdown()
            thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, server: str, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = Proxy(f"http://127.0.0.1:{self.server_port}")
        self._upstream = urllib.parse.urlsplit(server).netloc
        self._context = ssl.create_default_context(cafile=certificate)

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._upstream, context=self._context, timeout=_SECONDS
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def handle_any(self) -> None:
        # Either side may hang up at any time.
        with (
            contextlib.closing(self.server.connect()) as remote,
            contextlib.suppress(OSError, http.client.HTTPException),
        ):
            self._pass_on(remote)
            return
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_: Any) -> None:
        pass

    def _pass_on(self, remote: http.client.HTTPSConnection) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        body = self.rfile.read(length) or None
        remote.request(self.command, self.path, body, headers)
        answer = remote.getresponse()
        if self.command != _READS and self.server.proxy.is_last():
            answer.read()
            self.server.proxy.react()
            _reset(self.connection)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in _HOP:
                self.send_header(key, value)
        if "watch=true" in self.path:
            self._stream(answer)
        else:
            self._send(answer.read())

    def _send(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


def _reset(connection: socket.socket) -> None:
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
