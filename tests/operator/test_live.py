"""What the operator sees of the objects that it writes itself."""

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.operator.live import CachedLive


def _document(kind: kube.ResourceKind, version: int, generation: int) -> Document:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": "a",
            "namespace": "team",
            "uid": "u",
            "resourceVersion": str(version),
            "generation": generation,
        },
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        # An edit that came between our look and our write of the status.
        pytest.param(kube.BACKSTAGE, [(1, 2)], id="the resource of a user"),
        pytest.param(kube.DEPLOYMENT, [], id="an object of ours"),
    ],
)
def test_the_answer_to_a_write_is_news_only_if_others_may_have_edited(
    client: kube.Client, kind: kube.ResourceKind, told: list[tuple[int, int]]
) -> None:
    cache = kube.Cache()
    live = CachedLive(client, {kind: cache})
    cache.upsert(kube.Observed.of(_document(kind, 10, 1)))
    seen: list[tuple[int, int]] = []
    cache.on_change = lambda old, new: seen.append(
        (old.generation if old else 0, new.generation if new else 0)
    )

    live.observe(_document(kind, 12, 2))
    for version in (11, 12):
        cache.upsert(kube.Observed.of(_document(kind, version, 2)))

    assert seen == told
    assert cache.get(kind.ref("team", "a")) == kube.Observed.of(_document(kind, 12, 2))
