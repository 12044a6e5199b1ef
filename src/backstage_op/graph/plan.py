"""A validated, immutable graph of nodes."""

from __future__ import annotations

import graphlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import final

from backstage_op import errors

from .node import Node


@final
class Plan:
    """Nodes in the order they were given, known to form a directed acyclic graph.

    Raises:
        errors.PlanError: two nodes share a key, a need names no node, or the
            needs form a cycle. The message names the keys.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = tuple(nodes)
        self._by_key = {node.key: node for node in self._nodes}
        self._check_keys()
        self._check_needs()
        self._check_cycles()

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, key: str) -> Node:
        return self._by_key[key]

    def __repr__(self) -> str:
        return f"Plan({', '.join(self._by_key)})"

    def sorter(self) -> graphlib.TopologicalSorter[str]:
        """Return a prepared sorter over the keys, for one walk."""
        sorter = graphlib.TopologicalSorter(self._edges())
        sorter.prepare()
        return sorter

    def _edges(self) -> dict[str, list[str]]:
        return {node.key: [need.key for need in node.needs] for node in self._nodes}

    def _check_keys(self) -> None:
        counted = Counter(node.key for node in self._nodes)
        twice = [key for key, count in counted.items() if count > 1]
        if twice:
            raise errors.PlanError(f"node keys used twice: {', '.join(twice)}")

    def _check_needs(self) -> None:
        for node in self._nodes:
            unknown = [n.key for n in node.needs if n.key not in self._by_key]
            if unknown:
                raise errors.PlanError(
                    f"node {node.key} needs unknown nodes: {', '.join(unknown)}"
                )

    def _check_cycles(self) -> None:
        try:
            graphlib.TopologicalSorter(self._edges()).prepare()
        except graphlib.CycleError as error:
            path = " -> ".join(error.args[1])
            raise errors.PlanError(f"needs form a cycle: {path}") from error
