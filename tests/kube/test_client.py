from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx2
import msgspec
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, failure, status

from backstage_op import errors, kube
from backstage_op.document import Document

MANAGER = {"fieldManager": "backstage-controller", "fieldValidation": "Strict"}
PATH = "/api/v1/namespaces/team/configmaps"
KEY = Key("v1", "configmaps", "team", "a")
REF = kube.CONFIG_MAP.ref("team", "a")


def _config_map(value: str = "1") -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "team"},
        "data": {"key": value},
    }


class TestPaths:
    @pytest.mark.parametrize(
        ("kind", "where", "path"),
        [
            (kube.CONFIG_MAP, ("team", "a"), "/api/v1/namespaces/team/configmaps/a"),
            (kube.SECRET, ("", ""), "/api/v1/secrets"),
            (
                kube.DEPLOYMENT,
                ("team", ""),
                "/apis/apps/v1/namespaces/team/deployments",
            ),
            (
                kube.BACKSTAGE,
                ("team", "a", "status"),
                "/apis/rhdh.redhat.com/v1alpha5/namespaces/team/backstages/a/status",
            ),
        ],
    )
    def test_a_kind_knows_its_paths(
        self, kind: kube.ResourceKind, where: tuple[str, ...], path: str
    ) -> None:
        assert kind.path(*where) == path

    def test_every_owned_kind_is_found_by_its_identity(self) -> None:
        for kind in (*kube.OWNED, kube.BACKSTAGE):
            assert kube.kind_of(kind.ref("team", "a")) is kind


class TestWrites:
    async def test_apply_is_forced_strict_and_in_our_name(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        document = _config_map()

        applied = await client.apply(document)

        [request] = server.requests
        assert (request.verb, request.path) == ("apply", f"{PATH}/a")
        assert request.query == MANAGER | {"force": "true"}
        assert request.body == document == _config_map()
        assert applied == server.get(KEY)

    async def test_a_dry_run_stores_nothing(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        answer = await client.apply(_config_map(), dry_run=True)

        assert server.requests[0].query["dryRun"] == "All"
        assert answer["data"] == {"key": "1"}
        assert server.get(KEY) is None

    async def test_an_apply_with_a_uid_only_updates(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        with pytest.raises(errors.ConflictError):
            await client.apply(_config_map(), uid="uid-9")
        stored = await client.apply(_config_map())
        uid = stored["metadata"]["uid"]

        updated = await client.apply(_config_map("2"), uid=uid)

        assert server.requests[-1].body["metadata"]["uid"] == uid
        assert updated["data"] == {"key": "2"}

    async def test_a_create_only_apply_only_creates(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        await client.apply(_config_map(), create_only=True)

        with pytest.raises(errors.ConflictError):
            await client.apply(_config_map("2"), create_only=True)

        assert server.requests[0].body["metadata"]["resourceVersion"] == "1"
        stored = server.get(KEY)
        assert stored is not None
        assert stored["data"] == {"key": "1"}

    async def test_create_posts_to_the_collection(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        created = await client.create(_config_map())

        [request] = server.requests
        assert (request.verb, request.path) == ("create", PATH)
        assert request.query == MANAGER
        assert request.headers["content-type"] == "application/json"
        assert request.body == _config_map()
        assert created == server.get(KEY)

    async def test_to_create_what_exists_is_a_conflict_with_that_reason(
        self, client: kube.Client
    ) -> None:
        await client.create(_config_map())

        with pytest.raises(errors.ConflictError) as caught:
            await client.create(_config_map())

        assert caught.value.reason == "AlreadyExists"

    async def test_a_status_is_merged_into_exactly_that_object(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        key = Key("rhdh.redhat.com/v1alpha5", "backstages", "team", "a")
        backstage = server.put(key, {"status": {"url": "https://a", "kept": "yes"}})

        await client.apply_status(
            kube.BACKSTAGE,
            "team",
            "a",
            uid=backstage["metadata"]["uid"],
            status={"url": "https://b"},
        )

        [request] = server.requests
        assert (request.verb, request.subresource) == ("patch", "status")
        assert request.query == MANAGER
        assert request.headers["content-type"] == "application/merge-patch+json"
        assert request.body["status"] == {"url": "https://b"}
        stored = server.get(key)
        assert stored is not None
        assert stored["status"] == {"url": "https://b", "kept": "yes"}

    async def test_a_status_does_not_reach_a_new_object_of_that_name(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.put(Key("rhdh.redhat.com/v1alpha5", "backstages", "team", "a"), {})

        with pytest.raises(errors.ConflictError):
            await client.apply_status(
                kube.BACKSTAGE, "team", "a", uid="uid-of-before", status={}
            )

    async def test_delete_names_the_uid_and_how_dependants_go(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        stored = await client.apply(_config_map())

        with pytest.raises(errors.ConflictError):
            await client.delete(REF, uid="uid-of-before")
        await client.delete(REF, uid=stored["metadata"]["uid"])
        await client.delete(REF, uid=stored["metadata"]["uid"])

        assert server.get(KEY) is None
        assert server.seen("delete")[1].body == {
            "propagationPolicy": "Background",
            "preconditions": {"uid": stored["metadata"]["uid"]},
        }

    async def test_delete_may_ask_for_the_object_as_it_was_seen(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        seen = (await client.apply(_config_map()))["metadata"]
        await client.apply(_config_map("2"))

        with pytest.raises(errors.ConflictError):
            await client.delete(
                REF,
                uid=seen["uid"],
                propagation="Orphan",
                resource_version=seen["resourceVersion"],
            )

        assert server.get(KEY) is not None
        assert server.seen("delete")[0].body == {
            "propagationPolicy": "Orphan",
            "preconditions": {
                "uid": seen["uid"],
                "resourceVersion": seen["resourceVersion"],
            },
        }

    async def test_a_merge_sets_what_it_names_and_removes_what_is_none(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        stored = server.put(
            KEY, _config_map() | {"metadata": {"labels": {"a": "1", "b": "1"}}}
        )
        uid = stored["metadata"]["uid"]

        merged = await client.merge(
            REF, {"metadata": {"labels": {"a": None, "c": "1"}}}, uid=uid
        )

        [request] = server.requests
        assert (request.verb, request.path) == ("patch", f"{PATH}/a")
        assert request.query == MANAGER
        assert merged["metadata"]["labels"] == {"b": "1", "c": "1"}
        assert merged["data"] == {"key": "1"}

    async def test_a_merge_does_not_reach_a_new_object_of_that_name(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.put(KEY, _config_map())

        with pytest.raises(errors.ConflictError):
            await client.merge(REF, {"data": {"key": "2"}}, uid="uid-of-before")

    async def test_a_replacement_of_what_has_changed_is_a_conflict(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        seen = await client.apply(_config_map())

        replaced = await client.replace(seen | {"data": {"key": "2"}})
        with pytest.raises(errors.ConflictError):
            await client.replace(seen | {"data": {"key": "3"}})

        request = server.requests[1]
        assert (request.verb, request.path) == ("replace", f"{PATH}/a")
        assert request.query == MANAGER
        assert replaced == server.get(KEY)
        assert replaced["data"] == {"key": "2"}

    async def test_a_review_needs_no_name(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": "t"},
        }

        assert await client.create(review) == review

        [request] = server.requests
        assert request.path == "/apis/authentication.k8s.io/v1/tokenreviews"


class TestReads:
    async def test_get_returns_the_object(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        stored = server.put(KEY, _config_map())

        assert await client.get(kube.CONFIG_MAP, "team", "a") == stored

    async def test_what_is_not_there_is_named(self, client: kube.Client) -> None:
        with pytest.raises(errors.NotFoundError, match=r"^get ConfigMap team/a: 404"):
            await client.get(kube.CONFIG_MAP, "team", "a")

    async def test_all_pages_of_a_list_are_read(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        for n in range(501):
            server.put(KEY._replace(name=f"n{n:03}"), _config_map())

        listed = await client.list_all(kube.CONFIG_MAP, "team")

        assert [item["metadata"]["name"] for item in listed] == [
            f"n{n:03}" for n in range(501)
        ]
        assert {(item["apiVersion"], item["kind"]) for item in listed} == {
            ("v1", "ConfigMap")
        }

    async def test_a_selector_is_sent_to_the_server(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.put(KEY, _config_map())

        assert await client.list_all(kube.CONFIG_MAP, "team", "app=x") == []
        assert (
            await client.list_metadata(
                kube.CONFIG_MAP, "team", field_selector="metadata.name=b"
            )
            == []
        )

    async def test_a_list_of_metadata_carries_no_bodies(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        stored = server.put(KEY, _config_map())

        [observed] = await client.list_metadata(kube.CONFIG_MAP, "team")

        assert (observed.ref, observed.uid) == (REF, stored["metadata"]["uid"])
        assert observed.body == b""
        assert "PartialObjectMetadataList" in server.requests[0].headers["accept"]

    async def test_the_groups_of_the_server_are_found(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.put(Key("route.openshift.io/v1", "routes", "team", "a"), {})

        assert await kube.discover(client) == {"route.openshift.io"}

    @pytest.mark.parametrize(
        ("ingress", "domain"),
        [
            ({"spec": {"domain": "apps.example.com"}}, "apps.example.com"),
            ({"spec": {}}, ""),
            ({}, ""),
            (None, ""),
        ],
    )
    async def test_the_domain_of_openshift_is_found_if_it_has_one(
        self,
        client: kube.Client,
        server: ApiServer,
        ingress: Document | None,
        domain: str,
    ) -> None:
        if ingress is not None:
            key = Key("config.openshift.io/v1", "ingresses", "", "cluster")
            server.put(key, ingress)

        assert await kube.ingress_domain(client) == domain


@pytest.mark.virtual_clock
class TestRetries:
    async def test_a_lost_answer_to_an_apply_is_asked_for_again(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.answer("apply", _lost(server), status(503, "ServiceUnavailable"))

        applied = await client.apply(_config_map())

        assert applied == server.get(KEY)
        assert len(server.requests) == 3

    async def test_create_is_not_repeated_after_a_lost_answer(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.answer("create", _lost(server))

        with pytest.raises(errors.TransientError) as caught:
            await client.create(_config_map())

        assert caught.value.reason == "ReadError"
        assert len(server.requests) == 1

    async def test_replace_is_not_repeated_after_a_lost_answer(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        seen = await client.apply(_config_map())
        server.answer("replace", _lost(server))

        with pytest.raises(errors.TransientError):
            await client.replace(seen)

        assert len(server.seen("replace")) == 1

    async def test_create_is_not_repeated_after_a_500(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.answer("create", status(500, "InternalError", "etcd: timed out"))

        with pytest.raises(errors.TransientError):
            await client.create(_config_map())

        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "refusal",
        [
            failure(httpx2.ConnectError("refused")),
            failure(httpx2.ConnectTimeout("slow")),
            failure(httpx2.PoolTimeout("busy")),
            status(429, "TooManyRequests", headers={"Retry-After": "1"}),
        ],
    )
    async def test_create_is_repeated_if_the_server_did_nothing(
        self, client: kube.Client, server: ApiServer, refusal: Any
    ) -> None:
        server.answer("create", refusal)

        assert await client.create(_config_map()) == server.get(KEY)

        assert len(server.requests) == 2

    async def test_a_wish_of_the_server_is_honored_to_the_second(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        busy = status(429, "TooManyRequests", headers={"Retry-After": "11"})
        server.answer("apply", busy)

        await client.apply(_config_map())

        first, second = server.times
        assert second - first == pytest.approx(11.0)

    async def test_while_all_fails_nothing_is_repeated_at_once(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.answer("apply", *[status(500, "InternalError")] * 12)
        counts = []

        for _ in range(5):
            server.requests.clear()
            with pytest.raises(errors.TransientError):
                await client.apply(_config_map())
            counts.append(len(server.requests))
        await client.apply(_config_map())
        server.answer("apply", status(500, "InternalError"))
        await client.apply(_config_map())

        assert counts == [4, 4, 2, 1, 1]

    async def test_a_refusal_is_not_repeated(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        server.answer("apply", status(422, "Invalid", "spec: Required value"))

        with pytest.raises(errors.RejectedError, match="422 spec: Required value"):
            await client.apply(_config_map())

        assert len(server.requests) == 1

    async def test_a_body_that_is_no_json_is_a_transient_error(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        async def page(_: Any) -> httpx2.Response:
            return httpx2.Response(200, text="<html>please log in</html>")

        server.answer("get", page)

        with pytest.raises(errors.TransientError, match="is there a proxy between"):
            await client.get(kube.CONFIG_MAP, "team", "a")


class TestTransport:
    async def test_requests_say_who_we_are(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        await kube.discover(client)

        assert server.requests[0].headers["user-agent"].startswith("backstage-op/")

    async def test_each_request_is_measured_with_its_answer(
        self, server: ApiServer
    ) -> None:
        measured: list[kube.RequestInfo] = []
        server.answer("get", failure(httpx2.ConnectError("refused")))
        async with kube.Client.connect(
            kube.Connection.plain("http://fake"),
            inner=server,
            on_request=measured.append,
        ) as client:
            await client.apply(_config_map())
            await client.get(kube.CONFIG_MAP, "team", "a")
            await kube.discover(client)

        assert [(info.verb, info.resource, info.code) for info in measured] == [
            ("apply", "configmaps", 201),
            ("get", "configmaps", 0),
            ("get", "configmaps", 200),
            ("get", "", 200),
        ]
        assert all(0 <= info.seconds < 5 for info in measured)

    async def test_a_warning_of_the_server_is_logged_once(
        self, client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        warned = {"Warning": '299 - "v1alpha3 is deprecated"'}
        server.answer("get", *[_ok(warned)] * 2)

        for _ in range(2):
            await client.get(kube.CONFIG_MAP, "team", "a")

        assert [record.getMessage() for record in caplog.records] == [
            "the API server warns: v1alpha3 is deprecated"
        ]

    async def test_a_cancelled_request_is_not_retried(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        async def hang(_: Any) -> httpx2.Response:
            scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

        server.answer("get", hang)

        with anyio.CancelScope() as scope:
            await client.get(kube.CONFIG_MAP, "team", "a")

        assert scope.cancelled_caught
        assert len(server.requests) == 1


class TestManyAtOnce:
    async def test_eight_requests_are_sent_at_once_and_streams_are_not_counted(
        self, client: kube.Client, server: ApiServer
    ) -> None:
        busy = most = 0

        async def slow(request: Request) -> httpx2.Response:
            nonlocal busy, most
            busy += 1
            most = max(busy, most)
            await anyio.sleep(0.01)
            busy -= 1
            return server.serve(request)

        server.put(KEY, _config_map())
        server.answer("get", *[slow] * 20)

        async with AsyncExitStack() as watches:
            for _ in range(10):
                await watches.enter_async_context(
                    client.watch(
                        kube.CONFIG_MAP,
                        resource_version="0",
                        seconds=60,
                        silence_seconds=60,
                    )
                )
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(client.get, kube.CONFIG_MAP, "team", "a")

        assert (busy, most) == (0, 8)


def _lost(server: ApiServer) -> Any:
    """Do what is asked, and lose the answer."""

    async def answer(request: Any) -> httpx2.Response:
        server.put(KEY, request.body)
        raise httpx2.ReadError("connection reset")

    return answer


def _ok(headers: dict[str, str]) -> Any:
    async def answer(_: Any) -> httpx2.Response:
        body = msgspec.json.encode(_config_map())
        return httpx2.Response(200, content=body, headers=headers)

    return answer
