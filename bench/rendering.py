"""What it costs to compute all objects of an instance, in this process, without I/O.

The times are those of the processor, so that other work on the machine changes
them less.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.recordings import cases

from backstage_op import config, resources

from .report import Figure

RECORDINGS: Final = ("dynamic-plugins", "extra-files", "empty-full")
"""Those with the most plugins, the most references, and the most objects."""

_TIMES: Final = 200
_PLUGINS: Final = 300


def measure() -> Iterator[Figure]:
    """Yield the figures: before and after texts are parsed, and of a long list."""
    for number, name in enumerate(RECORDINGS):
        render = functools.partial(resources.compose, cases.case(name).inputs)
        first = _milliseconds(render)
        if number == 0:
            yield Figure.of("render, texts not parsed yet", "ms", [first])
        again = [_milliseconds(render) for _ in range(_TIMES)]
        yield Figure.of(f"render, recording {name}", "ms", again)
    write = functools.partial(config.manifests.dump, _list_of_plugins())
    took = [_milliseconds(write) for _ in range(5)]
    yield Figure.of(f"write the YAML of {_PLUGINS} plugins", "ms", took)


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def _list_of_plugins() -> dict[str, Any]:
    return {
        "includes": ["dynamic-plugins.default.yaml"],
        "plugins": [
            {
                "package": f"oci://registry.example.test/plugins/p{number}:1.0!p{number}",
                "disabled": number % 2 == 0,
                "pluginConfig": {
                    "dynamicPlugins": {
                        "frontend": {
                            f"example.p{number}": {
                                "mountPoints": [
                                    {
                                        "mountPoint": "entity.page.ci/cards",
                                        "importName": "Card",
                                        "config": {
                                            "layout": {"gridColumn": "1 / -1"},
                                        },
                                    }
                                ]
                            }
                        }
                    }
                },
            }
            for number in range(_PLUGINS)
        ],
    }
