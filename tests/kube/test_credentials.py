from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from backstage_op import errors, kube
from backstage_op.kube.credentials import TrustStore

# Two authorities that nobody uses, valid for a hundred years.
ONE = """\
-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUGvsqoRRZNWjQ1zeZVgF6Io4iWs8wCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDb25lMCAXDTI2MTEyMzExNDcxNFoYDzIxMjYxMDMwMTE0NzE0
WjAOMQwwCgYDVQQDDANvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ/rK3w
MjRbRTHThYOqQ37FeHEW5AKS2eh6A+bVHoShkss0m71kRb/WnlbbStygvyib3LcH
Bw31yQ8mZ63vbsS7o1MwUTAdBgNVHQ4EFgQU83sQYvMEwTwps0wgbUY0V6GpdtUw
HwYDVR0jBBgwFoAU83sQYvMEwTwps0wgbUY0V6GpdtUwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiEA38J+/7PwB/Rr10DJabJMKswyPlt1FGugodT3
wTXVVeUCIH1/sZaEgoBmjaP5ihwmaXYFU+X9pvL/oj8lScQr99cx
-----END CERTIFICATE-----
"""
TWO = """\
-----BEGIN CERTIFICATE-----
MIIBcjCCARmgAwIBAgIUZ2m/WnO1LZS/kvVG/vt7/xttkxowCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDdHdvMCAXDTI2MTEyMzExNDcxNFoYDzIxMjYxMDMwMTE0NzE0
WjAOMQwwCgYDVQQDDAN0d28wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQAeHaV
Y4QPTU8OBaRsD2LaV6L7W883kbp3DzqrL41BDbClszzF9ObUhqOiC1/NsDACXu7O
sCmJRNkrRHJAMmE6o1MwUTAdBgNVHQ4EFgQU5dnilZj/QOGTCVzcLR8mM/tJ9H8w
HwYDVR0jBBgwFoAU5dnilZj/QOGTCVzcLR8mM/tJ9H8wDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNHADBEAiBwg0x8k+AYQaaHh+zBoSyUJnFHBtQUVBlc5UAE
dVS6WQIgRYAyp9kHOOQ/qFfn8XnoDeyMk8PnTXREvu7wvfigUVI=
-----END CERTIFICATE-----
"""

pytestmark = pytest.mark.virtual_clock


class Door(httpx2.AsyncBaseTransport):
    """Lets one token in, and notes which were shown."""

    def __init__(self, accepts: str) -> None:
        self.accepts = accepts
        self.shown: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.shown.append(token)
        if token != self.accepts:
            return httpx2.Response(401, json={"reason": "Unauthorized"})
        return httpx2.Response(200, json={"groups": []})


@asynccontextmanager
async def _client(tmp_path: Path, door: Door) -> AsyncIterator[kube.Client]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        """
        current-context: main
        contexts: [{name: main, context: {cluster: here, user: pod}}]
        clusters: [{name: here, cluster: {server: "http://fake"}}]
        users: [{name: pod, user: {tokenFile: token}}]
        """
    )
    async with kube.Client.connect(kube.load(kubeconfig), inner=door) as client:
        yield client


async def test_the_token_is_read_again_each_minute(tmp_path: Path) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one\n")

    async with _client(tmp_path, door) as client:
        await client.api_groups()
        token.write_text("two\n")
        await anyio.sleep(59)
        await client.api_groups()
        door.accepts = "two"
        await anyio.sleep(1)
        await client.api_groups()

    assert door.shown == ["one", "one", "two"]


async def test_after_a_401_a_new_token_is_shown_at_once(tmp_path: Path) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one")

    async with _client(tmp_path, door) as client:
        await client.api_groups()
        token.write_text("two")
        door.accepts = "two"
        await client.api_groups()

    assert door.shown == ["one", "one", "two"]


async def test_a_refused_token_that_is_still_the_same_is_an_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text("old")
    door = Door("new")

    async with _client(tmp_path, door) as client:
        with pytest.raises(errors.ForbiddenError):
            await client.api_groups()

    assert door.shown == ["old"]


@pytest.mark.parametrize("what", ["empty", "gone"])
async def test_a_token_file_that_is_being_replaced_changes_nothing(
    tmp_path: Path, what: str
) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one")

    async with _client(tmp_path, door) as client:
        await client.api_groups()
        if what == "gone":
            token.unlink()
        else:
            token.write_text("")
        await anyio.sleep(61)
        await client.api_groups()

    assert door.shown == ["one", "one"]


async def test_without_a_token_the_file_is_named(tmp_path: Path) -> None:
    async with _client(tmp_path, Door("one")) as client:
        with pytest.raises(errors.SettingsError, match=r"token: .*; mount or correct"):
            await client.api_groups()


async def test_a_new_authority_in_the_bundle_is_trusted_within_a_minute(
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text(ONE)
    store = _trust(bundle)

    bundle.write_text(ONE + TWO)
    store.refresh()

    assert _names(store) == {"one", "two"}
    bundle.write_text(TWO)
    await anyio.sleep(61)
    store.refresh()
    assert _names(store) == {"one", "two"}


@pytest.mark.parametrize("what", ["nonsense", "gone"])
async def test_a_bundle_that_cannot_be_read_changes_nothing(
    tmp_path: Path, what: str
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text(ONE)
    store = _trust(bundle)

    if what == "gone":
        bundle.unlink()
    else:
        bundle.write_text("nonsense")
    store.refresh()
    assert _names(store) == {"one"}

    bundle.write_text(TWO)
    await anyio.sleep(61)
    store.refresh()
    assert _names(store) == {"one", "two"}


def _trust(bundle: Path) -> TrustStore:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=bundle)
    return TrustStore(context, bundle)


def _names(store: TrustStore) -> set[str]:
    found = set()
    for authority in store.context.get_ca_certs():
        subject: Any = authority["subject"]
        found |= {value for part in subject for key, value in part}
    return found
