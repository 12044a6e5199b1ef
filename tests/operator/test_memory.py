"""What was read is not read again, as long as its watch shows no other version."""

from __future__ import annotations

from collections import Counter

import msgspec

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.operator.memory import WatchedMemory
from backstage_op.operator.references import ReferenceIndex

REF = kube.CONFIG_MAP.ref("team", "a")


def _config_map(
    version: int, *, name: str = "a", uid: str = "u", text: str = "text"
) -> Document:
    metadata = {"name": name, "namespace": "team", "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "resourceVersion": str(version)},
        "data": {"key": text},
    }


def _shown(document: Document) -> kube.Observed:
    """Return what a watch of metadata shows of an object."""
    return msgspec.structs.replace(kube.Observed.of(document), body=b"")


def _memory(
    *instances: str,
) -> tuple[WatchedMemory, kube.Cache, Counter[kube.ResourceKind]]:
    """Return a memory beside the watch of what these instances refer to."""
    cache, unwatched = kube.Cache(), Counter[kube.ResourceKind]()
    index = ReferenceIndex()
    for name in instances or ("my",):
        index.replace(("team", name), frozenset({REF}))
    memory = WatchedMemory({kube.CONFIG_MAP: cache}, index, unwatched)
    return memory, cache, unwatched


def test_what_was_read_is_recalled_as_it_was() -> None:
    memory, cache, _ = _memory()

    assert memory.recall(REF) is None
    memory.keep(_config_map(7))

    assert memory.recall(REF) == _config_map(7)
    # The watch knows where it starts from, and holds no content.
    assert cache.get(REF) == _shown(_config_map(7))


def test_another_version_is_not_recalled_until_it_is_read() -> None:
    memory, cache, _ = _memory()
    memory.keep(_config_map(7))

    cache.upsert(kube.Observed.of(_config_map(8)))
    assert memory.recall(REF) is None
    memory.keep(_config_map(8, text="new"))

    assert memory.recall(REF) == _config_map(8, text="new")


def test_what_is_gone_or_was_created_anew_is_not_recalled() -> None:
    memory, cache, _ = _memory()
    memory.keep(_config_map(7))

    cache.remove(kube.Observed.of(_config_map(8)))
    assert memory.recall(REF) is None
    cache.upsert(kube.Observed.of(_config_map(9, uid="other")))
    assert memory.recall(REF) is None


def test_what_is_not_watched_is_read_each_time() -> None:
    memory, _, unwatched = _memory()
    memory.keep(_config_map(7))

    unwatched[kube.CONFIG_MAP] += 1
    assert memory.recall(REF) is None
    del unwatched[kube.CONFIG_MAP]

    assert memory.recall(REF) == _config_map(7)


def test_what_one_instance_reads_first_is_news_to_the_others() -> None:
    told: list[tuple[int, int]] = []
    memory, cache, _ = _memory("my", "your")
    cache.on_change = lambda old, new: told.append(
        (old.resource_version if old else 0, new.resource_version if new else 0)
    )

    # The watch has not shown these yet, and what it shows then is no news to it.
    memory.keep(_config_map(7))
    memory.keep(_config_map(8))
    cache.upsert(kube.Observed.of(_config_map(7)))
    cache.upsert(kube.Observed.of(_config_map(8)))

    assert told == [(0, 7), (7, 8)]


def test_what_an_instance_alone_reads_for_the_first_time_is_no_news() -> None:
    told: list[object] = []
    memory, cache, _ = _memory("my")
    cache.on_change = lambda _, new: told.append(new)

    memory.keep(_config_map(7))
    assert told == []
    memory.keep(_config_map(8))

    # Its look may have begun with the older one.
    assert told == [_shown(_config_map(8))]


def test_only_what_was_read_last_is_kept_of_too_much() -> None:
    memory, _, _ = _memory()
    names = [f"c{number}" for number in range(6)]
    for name in names:
        memory.keep(_config_map(7, name=name, text="x" * 1024 * 1024))

    recalled = [
        name
        for name in names
        if memory.recall(kube.CONFIG_MAP.ref("team", name)) is not None
    ]

    assert recalled == ["c3", "c4", "c5"]
