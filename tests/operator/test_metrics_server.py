"""Metrics over TLS: to whom, and with which certificate."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream
from tests.operator.test_authorization import ALLOWED, DENIED, KNOWN, TOKEN, UNKNOWN
from tests.support.apiserver import ApiServer
from tests.support.exchange import Answer, status
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import errors, kube
from backstage_op.operator import self_signed
from backstage_op.operator.certificate import Certificate, Files
from backstage_op.operator.metrics import Metrics
from backstage_op.operator.metrics_server import ExposedMetrics, Exposure
from backstage_op.operator.server import Address

pytestmark = pytest.mark.real_socket

GONE = (anyio.BrokenResourceError, anyio.EndOfStream)
LOOPBACK = Address("127.0.0.1", 0, "--flag")


@asynccontextmanager
async def _serving(
    client: kube.Client, *, secure: bool = True, files: Files | None = None
) -> AsyncIterator[int]:
    exposure = Exposure(address=LOOPBACK, secure=secure, files=files)
    exposed = ExposedMetrics(exposure, Metrics(), client)
    with anyio.fail_after(GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks:
            yield await tasks.start(exposed.serve)
            tasks.cancel_scope.cancel()


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _get(port: int, tls: ssl.SSLContext | None, token: str = "") -> str:
    """Return what ``/metrics`` answers: the status line, and the body."""
    lines = ["GET /metrics HTTP/1.1", "Host: a", "Connection: close", "", ""]
    if token:
        lines.insert(1, f"Authorization: Bearer {token}")
    received = b""
    async with await _connect(port, tls) as stream:
        await stream.send("\r\n".join(lines).encode())
        try:
            while chunk := await stream.receive():
                received += chunk
        except anyio.EndOfStream:
            pass
    return received.decode()


async def _connect(port: int, tls: ssl.SSLContext | None) -> ByteStream:
    if tls is None:
        return await anyio.connect_tcp("127.0.0.1", port)
    return await anyio.connect_tcp(
        "127.0.0.1",
        port,
        ssl_context=tls,
        tls_hostname="localhost",
        tls_standard_compatible=False,
    )


@pytest.mark.parametrize(
    ("answers", "token", "code"),
    [
        ([], "", "401"),
        ([UNKNOWN], TOKEN, "401"),
        ([KNOWN, DENIED], TOKEN, "403"),
        ([KNOWN, ALLOWED], TOKEN, "200"),
        ([status(403, "Forbidden")], TOKEN, "503"),
    ],
    ids=["no token", "nobody's token", "no right", "reader", "cannot tell"],
)
async def test_only_who_has_the_right_reads_them(
    client: kube.Client,
    server: ApiServer,
    answers: list[Answer],
    token: str,
    code: str,
) -> None:
    server.answer("create", *answers)
    async with _serving(client) as port:
        answer = await _get(port, _trusting_anybody(), token)

    assert answer.split(" ")[1] == code
    assert ("backstage_op_reconciles" in answer) is (code == "200")


async def test_if_told_so_everybody_reads_them_plainly(client: kube.Client) -> None:
    async with _serving(client, secure=False) as port:
        answer = await _get(port, None)

    assert answer.startswith("HTTP/1.1 200")
    assert "backstage_op_reconciles" in answer


async def test_plain_http_gets_nothing_where_tls_is_asked_for(
    client: kube.Client,
) -> None:
    async with _serving(client) as port:
        try:
            answer = await _get(port, None, TOKEN)
        except GONE:
            answer = ""

    assert "HTTP" not in answer


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_tls_below_1_2_is_refused(client: kube.Client) -> None:
    async with _serving(client) as port:
        assert "401" in await _get(port, _only(ssl.TLSVersion.TLSv1_2))
        with pytest.raises((ssl.SSLError, *GONE)):
            await _get(port, _only(ssl.TLSVersion.TLSv1_1))


def _only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = _trusting_anybody()
    # Else OpenSSL would not even offer what is out of date.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version
    context.maximum_version = version
    return context


async def test_the_certificate_of_files_is_served_and_read_again_when_they_change(
    client: kube.Client, tmp_path: Path
) -> None:
    files = _mounted(tmp_path, "first")
    async with _serving(client, files=files) as port:
        assert "401" in await _get(port, _trusting(files.certificate))
        _mounted(tmp_path, "second")
        assert "401" in await _get(port, _trusting(files.certificate))
        with pytest.raises(ssl.SSLCertVerificationError):
            await _get(port, _trusting(tmp_path / "first" / "tls.crt"))


async def test_half_a_renewal_keeps_the_certificate_that_was(
    client: kube.Client, tmp_path: Path
) -> None:
    files = _mounted(tmp_path, "first")
    before = _trusting(files.certificate)
    async with _serving(client, files=files) as port:
        files.key.write_text("-----BEGIN EC PRIVATE KEY-----\n")
        assert "401" in await _get(port, before)
        files.key.unlink()
        assert "401" in await _get(port, before)


def _trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def _mounted(folder: Path, version: str) -> Files:
    """Write a certificate and its key as the kubelet mounts a Secret."""
    pem = self_signed.make(["localhost"])
    at = pem.index("-----BEGIN CERTIFICATE")
    (folder / version).mkdir()
    (folder / version / "tls.key").write_text(pem[:at])
    (folder / version / "tls.crt").write_text(pem[at:])
    link, new = folder / "data", folder / f"new-{version}"
    new.symlink_to(version)
    os.replace(new, link)  # noqa: PTH105 - atomic, as the kubelet does it
    return Files(link / "tls.crt", link / "tls.key")


def test_files_that_cannot_be_used_are_named_with_a_remedy(tmp_path: Path) -> None:
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key")

    with pytest.raises(errors.SettingsError) as caught:
        Certificate(files)

    assert str(files.certificate) in str(caught.value)
    assert "--metrics-cert-path" in str(caught.value)
