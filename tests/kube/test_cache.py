from __future__ import annotations

from backstage_op import kube
from backstage_op.document import Document


class Told(list[tuple[int, int]]):
    """The versions before and after each change; 0 where there is none."""

    def __call__(self, old: kube.Observed | None, new: kube.Observed | None) -> None:
        self.append(
            (
                old.resource_version if old else 0,
                new.resource_version if new else 0,
            )
        )


def _document(version: int, name: str = "a") -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "team",
            "resourceVersion": str(version),
        },
    }


def _item(version: int, name: str = "a") -> kube.Observed:
    return kube.Observed.of(_document(version, name))


REF = _item(1).ref


def _cache(*items: kube.Observed, version: int = 0) -> tuple[kube.Cache, Told]:
    """Return a cache that has listed these, and what it tells from then on."""
    cache = kube.Cache()
    cache.replace(items, version)
    cache.on_change = told = Told()
    return cache, told


def _version(cache: kube.Cache) -> int:
    item = cache.get(REF)
    return item.resource_version if item else 0


def test_changes_are_told_with_before_and_after() -> None:
    cache, told = _cache()

    cache.upsert(_item(5))
    cache.upsert(_item(6))
    cache.remove(_item(7))

    assert told == [(0, 5), (5, 6), (6, 0)]
    assert (len(cache), list(cache), cache.get(REF)) == (0, [], None)


def test_what_is_older_than_what_was_shown_is_no_news() -> None:
    cache, told = _cache(_item(5), version=5)

    cache.upsert(_item(4))
    cache.upsert(_item(5))

    assert (_version(cache), told) == (5, [])


def test_a_late_deletion_does_not_remove_the_next_object_of_that_name() -> None:
    cache, told = _cache(_item(5), version=5)
    cache.observe(_item(8))

    cache.remove(_item(7))

    assert (_version(cache), told) == (8, [])


def test_a_late_answer_does_not_bring_back_what_was_deleted() -> None:
    cache, told = _cache(_item(5), version=5)
    cache.remove(_item(7))

    cache.observe(_item(6))
    cache.observe(_item(7))

    assert (_version(cache), told) == (0, [(5, 0)])


def test_a_late_answer_does_not_bring_back_what_a_list_no_longer_had() -> None:
    cache, told = _cache(_item(5), version=5)
    cache.replace([], 9)

    cache.observe(_item(8))

    assert (_version(cache), told) == (0, [(5, 0)])


def test_the_list_of_one_namespace_says_nothing_about_another() -> None:
    cache, told = _cache(_item(5), version=5)

    cache.replace([], 9, "other")
    assert (_version(cache), told) == (5, [])

    cache.replace([], 10, "team")
    assert (_version(cache), told) == (0, [(5, 0)])
    cache.observe(_item(9))
    assert _version(cache) == 0


def test_a_new_object_of_a_deleted_name_is_shown() -> None:
    cache, told = _cache(_item(5), version=5)
    cache.remove(_item(7))

    cache.observe(_item(8))
    cache.upsert(_item(9))

    assert (_version(cache), told) == (9, [(5, 0), (8, 9)])


def test_the_echo_of_an_answer_is_no_news() -> None:
    cache, told = _cache(_item(5), version=5)

    cache.observe(_item(6))
    cache.upsert(_item(6))

    assert (_version(cache), told) == (6, [])


def test_an_answer_older_than_what_was_shown_is_dropped() -> None:
    cache, _ = _cache(_item(5), version=5)

    cache.observe(_item(4))

    assert _version(cache) == 5


def test_a_list_tells_what_is_gone_what_is_new_and_what_changed() -> None:
    cache, told = _cache(_item(1, "gone"), _item(2, "same"), _item(3, "old"), version=3)

    cache.replace([_item(2, "same"), _item(7, "old"), _item(8, "new")], 8)

    assert sorted(told) == [(0, 8), (1, 0), (3, 7)]
    assert sorted(item.ref.name for item in cache) == ["new", "old", "same"]


def test_a_list_older_than_an_answer_does_not_undo_it() -> None:
    cache, told = _cache(version=5)
    cache.observe(_item(8))

    cache.replace([], 7)

    assert (_version(cache), told) == (8, [])
    cache.replace([], 8)
    assert (_version(cache), told) == (0, [(8, 0)])


def test_what_is_not_kept_is_neither_held_nor_told() -> None:
    told = Told()
    cache = kube.Cache(keep=lambda item: item.ref.name == "kept", on_change=told)

    cache.replace([_item(1), _item(2, "kept")], 2)
    cache.upsert(_item(3))
    cache.observe(_item(4))
    cache.remove(_item(5))

    assert [item.ref.name for item in cache] == ["kept"]
    assert told == [(0, 2)]
    assert (cache.keeps(_item(1)), cache.keeps(_item(1, "kept"))) == (False, True)


def test_the_deletion_of_what_is_kept_but_never_was_seen_is_told() -> None:
    cache, told = _cache()

    cache.remove(_item(5))

    assert told == [(5, 0)]


def test_the_memory_of_deletions_is_bounded() -> None:
    cache, _ = _cache()

    for n in range(1500):
        cache.remove(_item(n + 10, f"n{n}"))

    assert len(cache._gone) == 1000


def test_while_it_is_walked_it_may_change() -> None:
    cache, _ = _cache(_item(1, "a"), _item(2, "b"), version=2)

    for item in cache:
        cache.remove(kube.Observed.of(_document(9, item.ref.name)))

    assert len(cache) == 0


def test_what_is_of_interest_later_than_the_list_is_missed_when_it_is_gone() -> None:
    wanted: set[str] = set()
    told = Told()
    cache = kube.Cache(keep=lambda item: item.ref.name in wanted, on_change=told)
    cache.replace([_item(5)], 7)
    wanted.add("a")

    cache.observe(_item(5))
    cache.replace([], 9)

    assert told == [(5, 0)]


def test_what_changes_while_it_is_of_no_interest_is_not_held_as_it_was() -> None:
    wanted = {"a"}
    told = Told()
    cache = kube.Cache(keep=lambda item: item.ref.name in wanted, on_change=told)
    cache.upsert(_item(5))
    wanted.clear()

    cache.upsert(_item(6))
    wanted.add("a")

    assert (cache.get(REF), told) == (None, [(0, 5)])


def test_objects_are_found_by_the_uid_of_their_controller() -> None:
    def owned(version: int, name: str, *owners: str) -> kube.Observed:
        document = _document(version, name)
        document["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "A", "name": "a", "uid": uid}
            | {"controller": uid == "u"}
            for uid in owners
        ]
        return kube.Observed.of(document)

    cache, _ = _cache(owned(1, "b", "v", "u"), owned(1, "a", "u"), owned(1, "c", "v"))

    assert [item.ref.name for item in cache.controlled_by("u")] == ["a", "b"]
    assert cache.controlled_by("v") == []
    cache.upsert(owned(2, "b", "v"))
    cache.remove(owned(2, "a", "u"))
    assert cache.controlled_by("u") == []
