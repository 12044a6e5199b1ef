"""What ConfigMaps and Secrets hold: those that are made, and the user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

from . import configured, pod_template
from .base import RuntimeObject, Source
from .scope import Part, Scope


@final
class Contents:
    """The content of every object that the parts make or the specification names."""

    def __init__(self, scope: Scope, parts: Iterable[Part]) -> None:
        self._sources = scope.inputs.sources
        self._made = {
            (made.ref.kind, made.ref.name): made
            for part in parts
            for made in part.objects
        }

    def of(self, kind: str, name: str) -> Mapping[str, bytes] | None:
        """Return the entries of an object, None if they are not known."""
        if (made := self._made.get((kind, name))) is not None:
            return _data_of(made)
        source = self._sources.get(Source(kind, name))
        return None if source is None else source.data


def _data_of(made: RuntimeObject) -> Mapping[str, bytes]:
    if isinstance(made, configured.ConfiguredObject):
        return configured.data_of(made)
    if made.ref.kind != pod_template.CONFIG_MAP:
        return {}
    data: Mapping[str, str] = made.desired().get("data") or {}
    return {key: value.encode() for key, value in data.items()}
