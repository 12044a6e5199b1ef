from __future__ import annotations

from backstage_op import resources
from backstage_op.document import Document

from .builders import composed, container

_PROXY = resources.Proxy(
    http="http://user:password@proxy.test:3128", no_proxy="10.0.0.0/8, .svc"
)
_NO_PROXY = (
    "10.0.0.0/8,.svc,localhost,127.0.0.1,.cluster.local,backstage-my,backstage-psql-my"
)


def _env(name: str, spec: Document | None = None) -> list[Document]:
    found = container(composed(spec, proxy=_PROXY), name)["env"]
    assert isinstance(found, list)
    return found


def test_every_container_reaches_the_outside_through_the_proxy() -> None:
    expected = [
        {"name": "HTTP_PROXY", "value": _PROXY.http},
        {"name": "http_proxy", "value": _PROXY.http},
        {"name": "NO_PROXY", "value": _NO_PROXY},
        {"name": "no_proxy", "value": _NO_PROXY},
    ]

    assert _env("backstage-backend") == expected
    assert _env("install-dynamic-plugins") == expected


def test_one_of_the_user_wins_in_either_case() -> None:
    mine = {"name": "http_proxy", "value": "mine"}
    spec = {"application": {"extraEnvs": {"envs": [mine]}}}

    assert [entry["name"] for entry in _env("backstage-backend", spec)] == [
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
    ]
    assert _env("backstage-backend", spec)[0] == mine


def test_without_a_proxy_nothing_is_set() -> None:
    proxy = resources.Proxy(no_proxy="10.0.0.0/8")

    assert composed(proxy=proxy) == composed()


def test_the_address_of_the_proxy_is_not_shown() -> None:
    assert "password" not in repr(_PROXY)
