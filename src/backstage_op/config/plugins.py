"""The list of dynamic plugins: what default, flavours and the user make of it.

Lists are merged by package. What a later list says about a package replaces
what an earlier one said, field by field; what it does not say stays, and
fields that are not known here stay too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from backstage_op import errors
from backstage_op.document import Document

from . import manifests

_INCLUDES: Final = "includes"
_PLUGINS: Final = "plugins"
_PACKAGE: Final = "package"


def merge_texts(texts: Sequence[tuple[str, str, str]]) -> str:
    """Merge lists of plugins, each given as origin, key and YAML text.

    A single list is returned as it is written. Of two, the packages of the
    first come first; ``includes`` are united, and ``[]`` clears them.

    Raises:
        errors.PluginsError: a text is not a list of plugins.
    """
    parsed = [_parse(*text) for text in texts]
    if len(texts) == 1:
        return texts[0][2]
    merged: Document = {}
    for document in parsed:
        merged = _merge(merged, document)
    return manifests.dump(merged, sort_keys=False)


def _parse(origin: str, key: str, text: str) -> Document:
    def fault(message: str) -> errors.PluginsError:
        return errors.PluginsError(origin, key, message)

    try:
        value = manifests.load_value(text, source=origin, key=key)
    except errors.ManifestError as error:
        detail = error.message.removeprefix(f"{origin}, key {key}: ")
        raise fault(detail) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise fault("expected a mapping with the lists includes and plugins")
    for field in (_INCLUDES, _PLUGINS):
        if not isinstance(value.get(field) or [], list):
            raise fault(f"{field}: expected a list")
    for number, plugin in enumerate(value.get(_PLUGINS) or []):
        if not _has_package(plugin):
            raise fault(f"{_PLUGINS}[{number}]: expected a mapping with a {_PACKAGE}")
    return value


def _has_package(plugin: Any) -> bool:
    package = plugin.get(_PACKAGE) if isinstance(plugin, dict) else None
    return isinstance(package, str) and bool(package)


def _merge(base: Document, over: Document) -> Document:
    result = {**base, **over}
    if over.get(_INCLUDES) or _INCLUDES not in over:
        united = [*(base.get(_INCLUDES) or []), *(over.get(_INCLUDES) or [])]
        result[_INCLUDES] = list(dict.fromkeys(united))
    else:
        result[_INCLUDES] = []
    if not result[_INCLUDES] and _INCLUDES not in over:
        del result[_INCLUDES]
    packages: dict[str, dict[str, Any]] = {}
    for plugin in [*(base.get(_PLUGINS) or []), *(over.get(_PLUGINS) or [])]:
        known = packages.get(plugin[_PACKAGE], {})
        packages[plugin[_PACKAGE]] = _merge_plugin(known, plugin)
    result[_PLUGINS] = list(packages.values())
    return result


def _merge_plugin(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = {**base, **over}
    # The two say the same in opposite words: the later list's word counts.
    for one, other in (("enabled", "disabled"), ("disabled", "enabled")):
        if one in over and other not in over:
            result.pop(other, None)
    if "enabled" in result and "disabled" in result:
        del result["disabled"]
    return result
