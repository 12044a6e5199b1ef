"""A certificate that OpenSSL takes, its signature checked."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from backstage_op.operator import self_signed

_CHECK_SELF_SIGNATURE = 0x4000
"""X509_V_FLAG_CHECK_SS_SIGNATURE: by default what is trusted is not checked."""


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours:
            try:
                with server.wrap_socket(ours, server_side=True) as wrapped:
                    wrapped.recv(1)
            except (ssl.SSLError, OSError):
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=host) as wrapped:
            wrapped.send(b"x")
            return wrapped.version()
    finally:
        theirs.close()
        thread.join(20)


def _contexts(path: Path, text: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    path.write_text(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=str(path))
    client.verify_flags |= _CHECK_SELF_SIGNATURE
    return server, client


@pytest.mark.parametrize("attempt", range(5))
def test_who_trusts_it_finds_its_names_and_its_signature_right(
    tmp_path: Path, attempt: int
) -> None:
    text = self_signed.make(["my-host", "localhost"])
    server, client = _contexts(tmp_path / "tls.pem", text)

    assert _handshake(server, client, "localhost") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _handshake(server, client, "elsewhere")


def test_a_wrong_signature_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above would pass whatever is signed."""
    monkeypatch.setattr(
        "hashlib.sha256", lambda _: type("", (), {"digest": lambda _: b"no"})()
    )
    text = self_signed.make(["localhost"])
    server, client = _contexts(tmp_path / "tls.pem", text)

    with pytest.raises(ssl.SSLCertVerificationError, match="signature"):
        _handshake(server, client, "localhost")


def test_no_two_are_alike() -> None:
    assert self_signed.make(["localhost"]) != self_signed.make(["localhost"])
