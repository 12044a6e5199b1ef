from typing import Any

from tests.operator.stage import LABELS, owner

from backstage_op.operator.mending import mended

OTHER = owner("x", kind="Other") | {"controller": False}


def _secret(data: dict[str, str] | None, **metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "data": data}


def test_what_is_as_it_should_be_needs_nothing() -> None:
    desired = _secret({"key": "bmV3"}, labels=LABELS, ownerReferences=[owner("u")])
    live = _secret(
        {"key": "b2xk", "more": "bW9yZQ=="},
        labels={**LABELS, "theirs": "kept"},
        ownerReferences=[OTHER, owner("u")],
    )

    assert mended(desired, live, "u") == {}


def test_labels_the_owner_and_empty_entries_come_back() -> None:
    desired = _secret({"key": "bmV3"}, labels=LABELS, ownerReferences=[owner("u")])

    assert mended(desired, _secret({"key": ""}, ownerReferences=[OTHER]), "u") == {
        "metadata": {"labels": LABELS, "ownerReferences": [OTHER, owner("u")]},
        "data": {"key": "bmV3"},
    }


def test_an_owner_that_is_not_wanted_any_more_goes_and_others_stay() -> None:
    desired = _secret({}, labels=LABELS)
    live = _secret({}, labels=LABELS, ownerReferences=[owner("u"), OTHER])
    alone = _secret({}, labels=LABELS, ownerReferences=[owner("u")])

    assert mended(desired, live, "u") == {"metadata": {"ownerReferences": [OTHER]}}
    assert mended(desired, alone, "u") == {"metadata": {"ownerReferences": None}}
