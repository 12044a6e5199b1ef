from __future__ import annotations

import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key

from backstage_op import errors, kube

from .config_map import KEY, REF, config_map

MANAGER = {"fieldManager": "backstage-controller", "fieldValidation": "Strict"}
PATH = "/api/v1/namespaces/team/configmaps"


async def test_apply_is_forced_strict_and_in_our_name(
    client: kube.Client, server: ApiServer
) -> None:
    document = config_map()

    applied = await client.apply(document)

    [request] = server.requests
    assert (request.verb, request.path) == ("apply", f"{PATH}/a")
    assert request.query == MANAGER | {"force": "true"}
    assert request.body == document == config_map()
    assert applied == server.get(KEY)


async def test_a_dry_run_stores_nothing(client: kube.Client, server: ApiServer) -> None:
    answer = await client.apply(config_map(), dry_run=True)

    assert server.requests[0].query["dryRun"] == "All"
    assert answer["data"] == {"key": "1"}
    assert server.get(KEY) is None


async def test_an_apply_with_a_uid_only_updates(
    client: kube.Client, server: ApiServer
) -> None:
    with pytest.raises(errors.ConflictError):
        await client.apply(config_map(), uid="uid-9")
    stored = await client.apply(config_map())
    uid = stored["metadata"]["uid"]

    updated = await client.apply(config_map("2"), uid=uid)

    assert server.requests[-1].body["metadata"]["uid"] == uid
    assert updated["data"] == {"key": "2"}


async def test_a_create_only_apply_only_creates(
    client: kube.Client, server: ApiServer
) -> None:
    await client.apply(config_map(), create_only=True)

    with pytest.raises(errors.ConflictError):
        await client.apply(config_map("2"), create_only=True)

    assert server.requests[0].body["metadata"]["resourceVersion"] == "1"
    stored = server.get(KEY)
    assert stored is not None
    assert stored["data"] == {"key": "1"}


async def test_create_posts_to_the_collection(
    client: kube.Client, server: ApiServer
) -> None:
    created = await client.create(config_map())

    [request] = server.requests
    assert (request.verb, request.path) == ("create", PATH)
    assert request.query == MANAGER
    assert request.headers["content-type"] == "application/json"
    assert request.body == config_map()
    assert created == server.get(KEY)


async def test_to_create_what_exists_is_a_conflict_with_that_reason(
    client: kube.Client,
) -> None:
    await client.create(config_map())

    with pytest.raises(errors.ConflictError) as caught:
        await client.create(config_map())

    assert caught.value.reason == "AlreadyExists"


async def test_a_status_is_merged_into_exactly_that_object(
    client: kube.Client, server: ApiServer
) -> None:
    key = Key("rhdh.redhat.com/v1alpha5", "backstages", "team", "a")
    backstage = server.put(key, {"status": {"url": "https://a", "kept": "yes"}})

    await client.merge_status(
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
    client: kube.Client, server: ApiServer
) -> None:
    server.put(Key("rhdh.redhat.com/v1alpha5", "backstages", "team", "a"), {})

    with pytest.raises(errors.ConflictError):
        await client.merge_status(
            kube.BACKSTAGE, "team", "a", uid="uid-of-before", status={}
        )


async def test_delete_names_the_uid_and_how_dependants_go(
    client: kube.Client, server: ApiServer
) -> None:
    stored = await client.apply(config_map())

    with pytest.raises(errors.ConflictError):
        await client.delete(REF, uid="uid-of-before")
    uid = stored["metadata"]["uid"]
    await client.delete(REF, uid=uid, propagation="Orphan")
    await client.delete(REF, uid=uid)

    assert server.get(KEY) is None
    assert [request.body for request in server.seen("delete")[1:]] == [
        {"propagationPolicy": "Orphan", "preconditions": {"uid": uid}},
        {"propagationPolicy": "Background", "preconditions": {"uid": uid}},
    ]


async def test_a_merge_sets_what_it_names_and_removes_what_is_none(
    client: kube.Client, server: ApiServer
) -> None:
    stored = server.put(
        KEY, config_map() | {"metadata": {"labels": {"a": "1", "b": "1"}}}
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
    client: kube.Client, server: ApiServer
) -> None:
    server.put(KEY, config_map())

    with pytest.raises(errors.ConflictError):
        await client.merge(REF, {"data": {"key": "2"}}, uid="uid-of-before")


async def test_a_replacement_of_what_has_changed_is_a_conflict(
    client: kube.Client, server: ApiServer
) -> None:
    seen = await client.apply(config_map())

    replaced = await client.replace(seen | {"data": {"key": "2"}})
    with pytest.raises(errors.ConflictError):
        await client.replace(seen | {"data": {"key": "3"}})

    request = server.requests[1]
    assert (request.verb, request.path) == ("replace", f"{PATH}/a")
    assert request.query == MANAGER
    assert replaced == server.get(KEY)
    assert replaced["data"] == {"key": "2"}


async def test_a_review_needs_no_name(client: kube.Client, server: ApiServer) -> None:
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": "t"},
    }

    assert await client.create(review) == review

    [request] = server.requests
    assert request.path == "/apis/authentication.k8s.io/v1/tokenreviews"
