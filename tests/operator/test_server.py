"""The HTTP server of probes and metrics, on a real socket."""

import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

import anyio
import pytest
from anyio.abc import SocketStream
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import errors
from backstage_op.operator import server
from backstage_op.operator.server import Address, Handler, Request, Response

pytestmark = pytest.mark.real_socket


async def _healthz(_: Request) -> Response:
    return Response(200, b"ok\n")


async def _readyz(_: Request) -> Response:
    return Response(503, b"not ready\n")


HANDLERS = {"/healthz": _healthz, "/readyz": _readyz}
LOOPBACK = Address("127.0.0.1", 0, "--flag")


async def _read(stream: SocketStream, until: bytes) -> bytes:
    received = b""
    while not received.endswith(until):
        received += await stream.receive()
    return received


async def _exchange(
    *requests: tuple[bytes, bytes], handlers: Mapping[str, Handler] = HANDLERS
) -> list[bytes]:
    """Send requests over one connection; return the answers."""
    with anyio.fail_after(GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks:
            port = await tasks.start(server.serve, LOOPBACK, handlers)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                answers = []
                for request, end in requests:
                    await stream.send(request)
                    answers.append(await _read(stream, end))
            tasks.cancel_scope.cancel()
    return answers


def _request(method: str, target: str) -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "/healthz", b"200", b"ok\n"),
        ("GET", "/healthz?verbose=1", b"200", b"ok\n"),
        ("GET", "/readyz", b"503", b"not ready\n"),
        ("GET", "/", b"404", b"not found\n"),
        ("GET", "/../etc/passwd", b"404", b"not found\n"),
        ("DELETE", "/healthz", b"405", b"method not allowed\n"),
    ],
)
async def test_a_request_is_answered(
    method: str, target: str, status: bytes, body: bytes
) -> None:
    (answer,) = await _exchange((_request(method, target), body))

    assert answer.split(b" ", 2)[1] == status


async def test_head_is_answered_without_a_body() -> None:
    (answer,) = await _exchange((_request("HEAD", "/healthz"), b"\r\n\r\n"))

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Content-Length: 3" in answer


async def test_a_connection_serves_several_requests() -> None:
    answers = await _exchange(
        (_request("GET", "/healthz"), b"ok\n"),
        (_request("GET", "/readyz"), b"not ready\n"),
    )

    assert [answer.split(b" ", 2)[1] for answer in answers] == [b"200", b"503"]


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000, b""]
)
async def test_a_bad_client_harms_no_other(sent: bytes) -> None:
    with anyio.fail_after(GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks:
            port = await tasks.start(server.serve, LOOPBACK, HANDLERS)
            async with await anyio.connect_tcp("127.0.0.1", port) as bad:
                # It may be told to go before it has said everything.
                with suppress(anyio.BrokenResourceError):
                    await bad.send(sent)
            async with await anyio.connect_tcp("127.0.0.1", port) as good:
                await good.send(_request("GET", "/healthz"))
                assert await _read(good, b"ok\n")
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\n"])
async def test_silent_clients_however_many_do_not_keep_a_probe_waiting(
    sent: bytes,
) -> None:
    with anyio.fail_after(GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            port = await tasks.start(server.serve, LOOPBACK, HANDLERS)
            for _ in range(50):
                silent = await anyio.connect_tcp("127.0.0.1", port)
                await stack.enter_async_context(silent)
                await silent.send(sent)
            async with await anyio.connect_tcp("127.0.0.1", port) as good:
                await good.send(_request("GET", "/healthz"))
                # Much less than the time that a silent client is given.
                with anyio.fail_after(15):
                    assert await _read(good, b"ok\n")
            tasks.cancel_scope.cancel()


async def test_a_bearer_token_reaches_the_handler_and_no_other_scheme() -> None:
    async def echo(request: Request) -> Response:
        return Response(200, f"<{request.token}>\n".encode())

    seen = []
    for header in (b"Bearer abc", b"bearer  abc", b"Basic abc", b"Bearer"):
        request = b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + header
        [answer] = await _exchange(
            (request + b"\r\n\r\n", b">\n"), handlers={"/": echo}
        )
        seen.append(answer.splitlines()[-1])

    assert seen == [b"<abc>", b"<abc>", b"<>", b"<>"]


async def test_an_address_in_use_is_named_with_its_flag_and_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        address = Address("127.0.0.1", port, "--flag")
        with pytest.raises(errors.SettingsError) as caught:
            await server.serve(address, HANDLERS)

    assert str(caught.value) == (
        f"--flag: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "pass another address, or 0 to serve nothing"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0", None),
        ("", None),
        (":8081", Address(None, 8081, "--flag")),
        ("127.0.0.1:8081", Address("127.0.0.1", 8081, "--flag")),
        ("[::1]:8081", Address("::1", 8081, "--flag")),
    ],
)
def test_an_address_is_written_as_for_the_go_operator(
    text: str, address: Address | None
) -> None:
    assert Address.parse("--flag", text) == address


@pytest.mark.parametrize("text", ["8081", ":http", "host:", ":65536", "a:b:c"])
def test_what_is_no_address_is_refused_with_the_flag(text: str) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        Address.parse("--flag", text)

    assert str(caught.value).startswith(f"--flag: {text!r}")
