"""What pages refer to is there."""

from __future__ import annotations

import pytest

from . import pages


@pytest.mark.parametrize("page", pages.PAGES)
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(page: str) -> None:
    broken = [
        f"{path}#{anchor}"
        for path, anchor in pages.links(page)
        if not path.exists() or (anchor and anchor not in pages.anchors(path))
    ]

    assert broken == []
