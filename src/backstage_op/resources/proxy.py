"""The corporate proxy: what the operator uses, its pods use too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from . import naming
from .base import Instance, Proxy
from .pod_template import Variable

_INSIDE: Final = ("localhost", "127.0.0.1", ".svc", ".cluster.local")


def variables(proxy: Proxy, instance: Instance) -> Iterator[Variable]:
    """Yield the variables, none without a proxy.

    Programs differ in whether they read upper or lower case. What is inside of the
    cluster is not reached through the proxy.
    """
    if not proxy.http and not proxy.https:
        return
    inside = (
        *_INSIDE,
        naming.service_name(instance.name),
        naming.database_name(instance.name),
    )
    given = [part.strip() for part in proxy.no_proxy.split(",") if part.strip()]
    no_proxy = ",".join(dict.fromkeys((*given, *inside)))
    proxy = msgspec.structs.replace(proxy, no_proxy=no_proxy)
    for name, value in (
        ("HTTP_PROXY", proxy.http),
        ("HTTPS_PROXY", proxy.https),
        ("NO_PROXY", proxy.no_proxy),
    ):
        if value:
            yield Variable(name=name, value=value)
            yield Variable(name=name.lower(), value=value)
