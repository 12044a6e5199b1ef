"""JSON trees as block YAML: one tree has one text.

The layout is that of Go's YAML, so that a generated text stays the same when
one operator takes over from another. The library writes the texts that are not
plain lines; it would take a second for a list of 300 plugins.
"""

from __future__ import annotations

import functools
import io
import json
import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from .reader import GoResolver

NO_FOLDING: Final = 1 << 20

_AMBIGUOUS: Final = re.compile(
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # YAML 1.1: base 60
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"  # YAML 1.1: a time
    r"|[-+]?[0-9.][0-9_,.]*(?:[eE][-+]?[0-9]+)?"
    r"|="
)
# Readers take these for line breaks, or change them.
_NOT_IN_BLOCKS: Final = re.compile("[\r\x85\u2028\u2029]")
_LINE: Final = re.compile("[ -~]*")
_PLAIN: Final = re.compile(
    r"(?!---|\.\.\.|[\[\]{}#,&*!|>'\"%@`]|[-?:](?![!-~]))[!-~]"
    r"(?:[!\"$-9;-~]|:(?=[!-~])|(?<! )#| (?=[ -~]))*"
)
"""Lines that need no quotes unless they look like something other than text."""

_BREAKS: Final = re.compile("[\n\x85\u2028\u2029]")
_LONGEST_KEY: Final = 122
_RUNS: Final = re.compile(r"[0-9]+|.", re.DOTALL)


class _Resolver(GoResolver):
    """Also doubts what other readers of YAML take for a number or a time."""


_Resolver.add_implicit_resolver_base(
    "tag:yaml.org,2002:ambiguous",
    re.compile(f"^(?:{_AMBIGUOUS.pattern})$"),
    list("-+0123456789.="),
)


class _Representer(SafeRepresenter):
    """Writes several lines as a block, and quotes what is not plainly a string."""


def _represent_string(representer: SafeRepresenter, value: str) -> Any:
    tag = "tag:yaml.org,2002:str"
    style = None
    if _NOT_IN_BLOCKS.search(value):
        style = '"'
    elif "\n" in value:
        style = "|"
    elif _is_ambiguous(value):
        style = '"'
    return representer.represent_scalar(tag, value, style=style)


@functools.cache
def _resolver() -> _Resolver:
    return _Resolver()


def _is_ambiguous(value: str) -> bool:
    tag = _resolver().resolve(ScalarNode, value, (True, False))
    return str(tag) != "tag:yaml.org,2002:str"


_Representer.add_representer(str, _represent_string)


def dump(value: Any, *, sort_keys: bool = True) -> str:
    """Return a JSON tree as block YAML, with a line break at its end.

    Args:
        value: dicts with string keys, lists, strings, numbers, booleans, None.
        sort_keys: Sort the keys of every mapping as Go's YAML does
            (``a2`` before ``a10``); otherwise keep their order.
    """
    tree = _sorted(value) if sort_keys else value
    if not isinstance(tree, dict | list) or not tree:
        return by_library(tree)
    lines: list[str] = []
    _add_node(lines, tree, "", "")
    return "\n".join(lines) + "\n"


def _add_node(lines: list[str], value: Any, first: str, indent: str) -> None:
    """Add a value that begins behind ``first`` and goes on at ``indent``."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            _add_member(lines, key, member, first, indent)
            first = indent
    elif isinstance(value, list) and value:
        for item in value:
            _add_node(lines, item, f"{first}- ", f"{indent}  ")
            first = indent
    else:
        lines.append(first + _scalar(value, indent))


def _add_member(
    lines: list[str], key: str, value: Any, first: str, indent: str
) -> None:
    below = f"{indent}  "
    if len(key) > _LONGEST_KEY or _BREAKS.search(key):
        lines.append(f"{first}? {_scalar(key, below)}")
        _add_node(lines, value, f"{indent}: ", below)
        return
    name = f"{first}{_scalar(key, below)}:"
    if isinstance(value, dict | list) and value:
        lines.append(name)
        place = below if isinstance(value, dict) else indent
        _add_node(lines, value, place, place)
    else:
        lines.append(f"{name} {_scalar(value, below)}")


def _scalar(value: Any, indent: str) -> str:
    """Return a scalar or an empty collection; lines after the first are indented."""
    if isinstance(value, str):
        if _LINE.fullmatch(value):
            return _line(value)
    elif not isinstance(value, float):
        return json.dumps(value)
    text = by_library({"k": value}).removeprefix("k: ").removesuffix("\n")
    if "\n" not in text:
        return text
    head, *rest = text.split("\n")
    return "\n".join([head, *(indent + line[2:] if line else "" for line in rest)])


def _line(text: str) -> str:
    """Return a line of ASCII as the library would write it, far sooner."""
    if not _is_ambiguous(text):
        if _PLAIN.fullmatch(text):
            return text
        if "'" not in text:
            return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def by_library(value: Any) -> str:
    """Return what :func:`dump` returns, keys in their order, however long it takes."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = NO_FOLDING
    stream = io.StringIO()
    yaml.dump(value, stream)
    text = stream.getvalue()
    # The end of a document, not the last line of a block.
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        # Letters alone are in the order of Go's YAML as they are.
        order = None if "".join(value).isalpha() else _natural
        return {key: _sorted(value[key]) for key in sorted(value, key=order)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def _natural(key: str) -> list[tuple[int, int, str]]:
    """Return the place of a key: runs of digits compare as numbers, before letters."""
    runs: list[tuple[int, int, str]] = []
    for run in _RUNS.findall(key):
        if run.isdecimal():
            runs.append((1, int(run), run))
        elif run.isalpha():
            runs.append((2, 0, run))
        else:
            runs.append((0, 0, run))
    return runs
