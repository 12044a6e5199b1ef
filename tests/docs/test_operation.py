"""``docs/operation.md`` lists the variables that are read, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from backstage_op.settings import Settings, kubeconfig_from_env

from . import pages

_BEGIN: Final = "<!-- variables: begin -->\n"
_END: Final = "<!-- variables: end -->"


class _Asked(Mapping[str, str]):
    """An environment that remembers which variables it was asked for."""

    def __init__(self, **values: str) -> None:
        self.names: list[str] = []
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.names.append(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _listed() -> list[list[str]]:
    """Return the variables of each line of the table."""
    table = pages.text("docs/operation.md").partition(_BEGIN)[2].partition(_END)[0]
    return [
        re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines()[2:]
    ]


def test_the_variables_are_those_that_are_read() -> None:
    asked = _Asked(OPERATOR_DP_PROCESSING="true", INSTALL_DP_IMAGE="installer:1")
    Settings.from_env(asked)
    kubeconfig_from_env(asked)

    listed = [name for names in _listed() for name in names]
    assert sorted(listed) == sorted(set(asked.names))
