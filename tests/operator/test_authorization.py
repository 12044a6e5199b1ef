"""Who may read the metrics, and how often the API server is asked."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Answer, Request, failure, status

from backstage_op import kube
from backstage_op.operator.authorization import Authorizer, Decision

TOKEN = "a-token-of-somebody"
USER = {
    "username": "system:serviceaccount:monitoring:prometheus",
    "uid": "1",
    "groups": ["system:authenticated"],
    "extra": {"pod": ["prometheus-0"]},
}


def _says(**state: Any) -> Answer:
    async def answer(request: Request) -> httpx2.Response:
        return httpx2.Response(201, json={**request.body, "status": state})

    return answer


KNOWN = _says(authenticated=True, user=USER)
UNKNOWN = _says(authenticated=False)
ALLOWED = _says(allowed=True)
DENIED = _says(allowed=False)


async def test_who_is_known_and_allowed_is_allowed(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("create", KNOWN, ALLOWED)

    decision = await Authorizer(client).decide(TOKEN, "/metrics")

    assert decision is Decision.ALLOWED
    first, second = server.requests
    assert first.path == "/apis/authentication.k8s.io/v1/tokenreviews"
    assert first.body["spec"] == {"token": TOKEN}
    assert second.path == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert second.body["spec"] == {
        "user": USER["username"],
        "uid": USER["uid"],
        "groups": USER["groups"],
        "extra": USER["extra"],
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


@pytest.mark.parametrize(
    ("answers", "decision"),
    [
        ([UNKNOWN], Decision.UNAUTHENTICATED),
        ([KNOWN, DENIED], Decision.DENIED),
        ([status(403, "Forbidden")], Decision.UNKNOWN),
        ([KNOWN, status(422, "Invalid")], Decision.UNKNOWN),
        ([failure(httpx2.ReadError("reset"))], Decision.UNKNOWN),
    ],
    ids=["nobody", "no right", "not ours to ask", "refused", "no answer"],
)
async def test_everybody_else_is_not(
    client: kube.Client,
    server: ApiServer,
    answers: list[Answer],
    decision: Decision,
) -> None:
    server.answer("create", *answers)

    assert await Authorizer(client).decide(TOKEN, "/metrics") is decision


async def test_without_a_token_nobody_is_asked(
    client: kube.Client, server: ApiServer
) -> None:
    decision = await Authorizer(client).decide("", "/metrics")

    assert decision is Decision.UNAUTHENTICATED
    assert server.requests == []


@pytest.mark.virtual_clock
async def test_an_api_server_that_is_silent_is_not_waited_for(
    client: kube.Client, server: ApiServer
) -> None:
    async def silent(_: Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    server.answer("create", silent)
    start = anyio.current_time()

    decision = await Authorizer(client).decide(TOKEN, "/metrics")

    assert decision is Decision.UNKNOWN
    assert anyio.current_time() - start <= 5


@pytest.mark.virtual_clock
@pytest.mark.parametrize(
    ("answer", "seconds"), [(ALLOWED, 300), (DENIED, 30)], ids=["allowed", "denied"]
)
async def test_a_decision_is_kept_for_a_while(
    client: kube.Client, server: ApiServer, answer: Answer, seconds: int
) -> None:
    authorizer = Authorizer(client)
    asked: list[str] = []
    for wait in (0, seconds - 1, 2):
        await anyio.sleep(wait)
        server.requests.clear()
        # As many as can be needed; the user may have to be asked for anew.
        server._answers["create"].clear()
        is_user_kept = wait < 60 and asked
        server.answer("create", *([] if is_user_kept else [KNOWN]), answer)
        await authorizer.decide(TOKEN, "/metrics")
        asked.append(",".join(r.key.plural for r in server.requests))

    assert "subjectaccessreviews" in asked[0]
    assert "subjectaccessreviews" not in asked[1]
    assert "subjectaccessreviews" in asked[2]


@pytest.mark.virtual_clock
async def test_a_token_that_is_no_longer_good_is_noticed_within_a_minute(
    client: kube.Client, server: ApiServer
) -> None:
    authorizer = Authorizer(client)
    server.answer("create", KNOWN, ALLOWED, UNKNOWN)

    first = await authorizer.decide(TOKEN, "/metrics")
    await anyio.sleep(59)
    second = await authorizer.decide(TOKEN, "/metrics")
    await anyio.sleep(1)
    third = await authorizer.decide(TOKEN, "/metrics")

    assert (first, second) == (Decision.ALLOWED, Decision.ALLOWED)
    assert third is Decision.UNAUTHENTICATED


async def test_tokens_are_neither_kept_nor_logged(
    client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    authorizer = Authorizer(client)
    with caplog.at_level("DEBUG", "backstage_op"):
        server.answer("create", KNOWN, status(403, "Forbidden", "no"))
        await authorizer.decide(TOKEN, "/metrics")

    assert caplog.records
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(vars(authorizer._users))


async def test_what_is_remembered_is_bounded(
    client: kube.Client, server: ApiServer
) -> None:
    authorizer = Authorizer(client)
    for number in range(300):
        server.answer("create", UNKNOWN)
        await authorizer.decide(f"guess-{number}", "/metrics")

    assert len(authorizer._users._answers) == 256
