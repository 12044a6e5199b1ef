"""Examples in pages of the documentation, as a reader would use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backstage_op import api, config
from backstage_op.document import Document

DOCS: Final = Path(__file__).parents[2] / "docs"
_BLOCK: Final = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)


def examples(page: str) -> Iterator[tuple[str, list[Document]]]:
    """Yield the heading above each YAML block of a page, and the block's objects.

    A block that is only a ``spec`` is that of a ``Backstage``.
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    for number, block in enumerate(_BLOCK.finditer(text)):
        heading = _HEADING.findall(text, 0, block.start())[-1]
        documents = config.manifests.load_all(block[1], source=page, key=heading)
        yield heading, [_completed(one, f"example-{number}") for one in documents]


def _completed(document: Document, name: str) -> Document:
    if "kind" in document:
        return document
    return {
        "apiVersion": api.API_VERSION,
        "kind": api.KIND,
        "metadata": {"name": name},
        **document,
    }
