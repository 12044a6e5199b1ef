"""Nothing that is shipped asks for an image that the table does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from backstage_op import config, resources
from backstage_op.resources import images

from .builders import OPENSHIFT, inputs

_PLATFORMS = (resources.Platform(), OPENSHIFT)
_DIGEST = "@sha256:" + "0" * 64


def _images(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("image"), str):
            yield tree["image"]
        for value in tree.values():
            yield from _images(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _images(item)


def _rendered(profile: str, platform: resources.Platform, **fields: Any) -> set[str]:
    made = msgspec.structs.replace(
        inputs({"flavours": []}, platform=platform),
        default=config.DefaultConfig.shipped(profile),
        **fields,
    )
    composition = resources.compose(made)
    assert composition.faults == ()
    return {image for doc in composition.documents.values() for image in _images(doc)}


@pytest.mark.parametrize("platform", _PLATFORMS)
def test_every_image_of_the_shipped_profiles_is_in_the_table(
    platform: resources.Platform,
) -> None:
    rendered = set().union(*(_rendered(p, platform) for p in config.PROFILES))

    assert rendered == {name for image in images.TABLE for name in image.shipped}


@pytest.mark.parametrize("profile", config.PROFILES)
@pytest.mark.parametrize("tag", ["", ":1.0"])
def test_variables_replace_all_of_them_and_digests_stay(profile: str, tag: str) -> None:
    given = resources.Images(
        backstage=f"mirror.test/portal{tag}{_DIGEST}",
        postgresql=f"mirror.test/postgresql{tag}{_DIGEST}",
    )

    assert _rendered(profile, resources.Platform(), images=given) == {
        given.backstage,
        given.postgresql,
    }


def test_every_image_that_can_be_given_has_a_variable() -> None:
    assert len(images.TABLE) == len(resources.Images.__struct_fields__)
    assert len({image.variable for image in images.TABLE}) == len(images.TABLE)
