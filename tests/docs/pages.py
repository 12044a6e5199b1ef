"""Examples, commands and links in pages of the documentation, as a reader uses them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backstage_op import api, config
from backstage_op.document import Document

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = tuple(
    sorted(
        str(path.relative_to(ROOT))
        for folder in (ROOT, DOCS, ROOT / "bundle")
        for path in folder.glob("*.md")
    )
)
"""Every page, as its path from the top."""

PROGRAMS: Final = ("backstage-op", "kubectl")
"""Whose command lines are understood."""

_YAML: Final = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL: Final = re.compile(r"^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^()\s]+)\)")
_PROMPT: Final = "$ "
_PLACEHOLDER: Final = re.compile(r"<\w[^<>]*>")
_ENDS: Final = frozenset({"|", "&&", ";"})
_REDIRECTIONS: Final = frozenset({">", "<"})


def text(page: str) -> str:
    """Return what a page holds."""
    return (ROOT / page).read_text(encoding="utf-8")


def examples(page: str) -> Iterator[tuple[str, list[Document]]]:
    """Yield the heading above each YAML block of a page, and the block's objects.

    A block that is only a ``spec`` is that of a ``Backstage``.
    """
    content = text(page)
    for number, block in enumerate(_YAML.finditer(content)):
        heading = _HEADING.findall(content, 0, block.start())[-1]
        documents = config.manifests.load_all(block[1], source=page, key=heading)
        yield heading, [_completed(one, f"example-{number}") for one in documents]


def commands(page: str) -> Iterator[list[str]]:
    """Yield the words of each command of our programs and of kubectl in a page.

    Commands are in blocks, and in texts that begin with the name of a program and
    have an argument. Redirections are left out.
    """
    content = text(page)
    for kind, block in _SHELL.findall(content):
        lines = block.replace("\\\n", " ").splitlines()
        if kind == "console":
            lines = [line[2:] for line in lines if line.startswith(_PROMPT)]
        for line in lines:
            yield from _simple(line)
    for line in _INLINE.findall(_CODE.sub("", content)):
        if line.startswith(tuple(f"{program} " for program in PROGRAMS)):
            yield from _simple(line)


def links(page: str) -> Iterator[tuple[Path, str]]:
    """Yield the file that each link of a page leads to, and the anchor in it."""
    here = ROOT / page
    for target in _LINK.findall(_CODE.sub("", text(page))):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            yield (here.parent / name if name else here), anchor


def anchors(path: Path) -> set[str]:
    """Return what links may name after ``#`` in a page: its headings, as slugs."""
    content = _CODE.sub("", path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(content)
    }


def _simple(line: str) -> Iterator[list[str]]:
    """Yield the commands that a line of the shell joins."""
    lexer = shlex.shlex(
        _PLACEHOLDER.sub("X", line), posix=True, punctuation_chars="|&;<>"
    )
    lexer.whitespace_split = True
    words: list[str] = []
    is_file = False
    for word in [*lexer, ";"]:
        if word in _ENDS:
            if words and words[0] in PROGRAMS:
                yield words
            words = []
        elif word in _REDIRECTIONS or is_file:
            is_file = word in _REDIRECTIONS
        else:
            words.append(word)


def _completed(document: Document, name: str) -> Document:
    if "kind" in document:
        return document
    return {
        "apiVersion": api.API_VERSION,
        "kind": api.KIND,
        "metadata": {"name": name},
        **document,
    }
