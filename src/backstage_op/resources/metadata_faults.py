"""Labels and annotations of the specification that no object could carry.

The rules are those of the API server (``k8s.io/apimachinery``, qualified names).
They are checked here so that one sentence names the field, and not every object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from backstage_op import api, errors

_PART: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)


def faults_of(spec: api.BackstageSpec) -> Iterator[errors.ConfigError]:
    """Yield what is wrong with the labels and annotations of a specification."""
    common = spec.common_metadata
    application = spec.application
    for path, labels in (
        ("spec.commonMetadata.labels", common.labels),
        ("spec.monitoring.labels", spec.monitoring.labels),
    ):
        yield from _of_keys(path, labels)
        yield from _of_values(path, labels)
    for path, given in (
        ("spec.commonMetadata.annotations", common.annotations),
        ("spec.application.ingress.annotations", application.ingress.annotations),
        ("spec.application.httpRoute.annotations", application.http_route.annotations),
    ):
        yield from _of_keys(path, given)


def _of_keys(path: str, given: Mapping[str, str]) -> Iterator[errors.ConfigError]:
    for key in given:
        prefix, slash, name = key.rpartition("/")
        is_right = _PART.fullmatch(name) and (not slash or _PREFIX.fullmatch(prefix))
        if not is_right:
            yield errors.SpecError(
                f'{path}["{key}"]',
                "not a key of metadata; use at most 63 letters, digits, '-', '_' and "
                "'.', after a DNS name and '/' if you like",
            )


def _of_values(path: str, labels: Mapping[str, str]) -> Iterator[errors.ConfigError]:
    for key, value in labels.items():
        if value and not _PART.fullmatch(value):
            yield errors.SpecError(
                f'{path}["{key}"]',
                "not the value of a label; use at most 63 letters, digits, '-', '_' "
                "and '.', beginning and ending with a letter or digit",
            )
