"""YAML as Go reads it, turned into plain JSON trees.

The API server, ``kubectl`` and the Go operator read YAML 1.1 with Go's own
scalars: ``0644`` is octal, ``yes`` is a boolean, a date is a string. A manifest
must mean the same here. What Go accepts and nobody wants is refused: duplicate
keys, aliases, tags of programming languages, documents without bounds.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import BaseResolver

from backstage_op.document import MAX_DEPTH

MAX_BYTES: Final = 1 << 20
MAX_NODES: Final = 20_000

_TAG: Final = "tag:yaml.org,2002:"
_NAMES: Final = {
    "bool": "boolean",
    "float": "number",
    "int": "integer of 64 bits",
    "merge": "text",
    "str": "text",
}
_LEAST_INTEGER: Final = -(1 << 63)
_MOST_INTEGER: Final = (1 << 64) - 1
_EXACT_FLOATS: Final = 1 << 53
_INTEGER_BASES: Final = (("0b", 2), ("0o", 8), ("0x", 16))


class YamlFault(Exception):  # noqa: N818 - turned into a ManifestError by the caller
    """What is wrong with a text, and where: line and column count from 1, 0 is none."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


class GoResolver(BaseResolver):
    """Resolves plain scalars to the types that Go's YAML gives them."""

    def __init__(
        self, version: object = None, loader: Any = None, loadumper: Any = None
    ) -> None:
        super().__init__(loadumper or loader)

    @property
    def processing_version(self) -> tuple[int, int]:
        """The version whose grammar, not whose scalars, the scanner follows."""
        return (1, 2)


def _resolve(tag: str, pattern: str, first: str) -> None:
    # Not add_implicit_resolver(): that one changes every resolver of the process.
    GoResolver.add_implicit_resolver_base(
        _TAG + tag, re.compile(pattern), list(first) or [""]
    )


_resolve(
    "bool",
    r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE"
    r"|on|On|ON|off|Off|OFF)$",
    "yYnNtTfFoO",
)
_resolve(
    "int",
    r"^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$",
    "-+0123456789",
)
_resolve(
    "float",
    r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"
    r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
    "-+0123456789.",
)
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN")
_resolve("null", r"^$", "")
_resolve("merge", r"^<<$", "<")


class _BoundedComposer(Composer):
    """Refuses aliases, and documents that are too large or nested too deeply."""

    _nodes = 0
    _levels = 0

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        # The warning would show the lines; without aliases anchors mean nothing.
        self.warn_double_anchors = False

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        self._nodes += 1
        self._levels += 1
        try:
            if isinstance(event, AliasEvent):
                _refuse(event, "aliases are not accepted; write the value out")
            if self._nodes > MAX_NODES:
                _refuse(event, f"more than {MAX_NODES} values; split the document")
            if self._levels > MAX_DEPTH:
                _refuse(event, f"nested deeper than {MAX_DEPTH} levels; flatten it")
            return super().compose_node(parent, index)
        finally:
            self._levels -= 1


def read(text: str) -> Any:
    """Return the only document of a text as a JSON tree, None if it is empty.

    A byte order mark and CRLF line ends are accepted.

    Raises:
        YamlFault: it is not YAML, has several documents, or exceeds a limit.
            The message never contains a value of the document.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlFault(f"larger than {MAX_BYTES} bytes; split it")
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = GoResolver
    yaml.Composer = _BoundedComposer
    try:
        node = yaml.compose(text.removeprefix("\ufeff"))
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        problem = _plain(exc.problem or exc.context or "not YAML")
        if mark is None:
            raise YamlFault(problem) from None
        raise YamlFault(problem, mark.line + 1, mark.column + 1) from None
    except ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise YamlFault("a control character is not accepted", line) from None
    except YAMLError:
        raise YamlFault("not YAML") from None
    return None if node is None else _tree(node)


def _plain(problem: str) -> str:
    return " ".join(problem.split())


def _refuse(node_or_event: Any, problem: str) -> NoReturn:
    mark = node_or_event.start_mark
    raise YamlFault(problem, mark.line + 1, mark.column + 1)


def _tree(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if isinstance(node, SequenceNode):
        _expect_tag(node, "seq")
        return [_tree(item) for item in node.value]
    assert isinstance(node, MappingNode)  # noqa: S101 - there is no fourth kind
    _expect_tag(node, "map")
    return _mapping(node)


def _expect_tag(node: Node, tag: str) -> None:
    if str(node.tag) != _TAG + tag:
        _refuse(node, f"the tag {node.tag} is not accepted; remove it")


def _mapping(node: MappingNode) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if str(key_node.tag) == _TAG + "merge":
            merged |= _merged(value_node)
            continue
        key = _key(key_node)
        if key in own:
            _refuse(key_node, f'duplicate key "{key}"; keep one')
        own[key] = _tree(value_node)
    return {**merged, **own}


def _merged(node: Node) -> dict[str, Any]:
    """Return what a ``<<`` key brings; earlier mappings of a list win."""
    value = _tree(node)
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        _refuse(node, "the key << takes a mapping or a list of mappings")
    result: dict[str, Any] = {}
    for source in reversed(sources):
        result |= source
    return result


def _key(node: Node) -> str:
    value = _scalar(node) if isinstance(node, ScalarNode) else None
    if value is None:
        _refuse(node, "a key must be a string")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _scalar(node: ScalarNode) -> Any:
    text: str = node.value
    try:
        match str(node.tag).removeprefix(_TAG):
            case "str" | "merge":
                text.encode()
                return text
            case "null":
                return None
            case "bool":
                return _boolean(text)
            case "int":
                return _integer(text)
            case "float":
                return _float(text)
            case _:
                _refuse(node, f"the tag {node.tag} is not accepted; remove it")
    except ValueError:
        tag = str(node.tag).removeprefix(_TAG)
        _refuse(node, f"the value is no JSON {_NAMES[tag]}; correct it or quote it")


def _boolean(text: str) -> bool:
    word = text.lower()
    if word in {"y", "yes", "true", "on"}:
        return True
    if word in {"n", "no", "false", "off"}:
        return False
    raise ValueError


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    value = sign * _magnitude(digits)
    if not _LEAST_INTEGER <= value <= _MOST_INTEGER:
        raise ValueError
    return value


def _magnitude(digits: str) -> int:
    for prefix, base in _INTEGER_BASES:
        if digits.startswith(prefix):
            return int(digits[2:], base)
    if len(digits) > 1 and re.fullmatch("0[0-7]+", digits):
        return int(digits, 8)
    return int(digits)


def _float(text: str) -> float | int | str:
    word = text.lower()
    number = float(word.replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        if "inf" in word or "nan" in word:
            raise ValueError  # JSON has neither
        return text
    if number.is_integer() and abs(number) < _EXACT_FLOATS:
        return int(number)
    return number
