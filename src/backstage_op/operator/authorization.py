"""Who may read the metrics: the API server is asked, and its answers kept for a while.

Tokens are kept as digests only.
"""

from __future__ import annotations

import hashlib
import logging
from enum import IntEnum
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar, final

import anyio
import msgspec

from backstage_op import errors, kube

_log: Final = logging.getLogger(__name__)

_TOKEN_SECONDS: Final = 60.0
_ALLOWED_SECONDS: Final = 300.0
_DENIED_SECONDS: Final = 30.0
_ENTRIES: Final = 256

_REVIEW_SECONDS: Final = 5.0
_REVIEWS: Final = 4
"""At the same time: the connections of the leader election are not to be used up."""

Value = TypeVar("Value")


class Decision(IntEnum):
    """What becomes of a request, as an HTTP status."""

    ALLOWED = HTTPStatus.OK
    UNAUTHENTICATED = HTTPStatus.UNAUTHORIZED
    DENIED = HTTPStatus.FORBIDDEN
    UNKNOWN = HTTPStatus.SERVICE_UNAVAILABLE


class _User(msgspec.Struct, frozen=True):
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}


class _Answer(msgspec.Struct):
    authenticated: bool = False
    allowed: bool = False
    user: _User | None = None


class _Review(msgspec.Struct):
    status: _Answer


@final
class _Kept(Generic[Value]):
    """Answers by what was asked, each until its time is over; the oldest go first."""

    def __init__(self) -> None:
        self._answers: dict[bytes, tuple[float, Value]] = {}

    def get(self, key: bytes) -> Value | None:
        until, value = self._answers.get(key, (0.0, None))
        return value if anyio.current_time() < until else None

    def put(self, key: bytes, value: Value, seconds: float) -> None:
        self._answers.pop(key, None)
        self._answers[key] = (anyio.current_time() + seconds, value)
        if len(self._answers) > _ENTRIES:
            del self._answers[next(iter(self._answers))]


@final
class Authorizer:
    """Asks whose token it is (TokenReview), and for rights (SubjectAccessReview).

    Its own rights are ``deploy/metrics.yaml``.
    """

    def __init__(self, client: kube.Client) -> None:
        self._client = client
        self._users: _Kept[_User] = _Kept()
        self._decisions: _Kept[Decision] = _Kept()
        self._reviews = anyio.CapacityLimiter(_REVIEWS)

    async def decide(self, token: str, path: str) -> Decision:
        """Tell whether the holder of a token may ``get`` a path.

        Error handling: an API server that does not answer is ``UNKNOWN``.
        """
        if not token:
            return Decision.UNAUTHENTICATED
        try:
            with anyio.fail_after(_REVIEW_SECONDS):
                user = await self._user_of(token)
                if not user.username:
                    return Decision.UNAUTHENTICATED
                return await self._decision_on(user, path)
        except errors.OperatorError as error:
            _log.warning("cannot tell who may read %s: %s", path, error)
        except TimeoutError:
            _log.warning("cannot tell who may read %s: no answer in time", path)
        return Decision.UNKNOWN

    async def _user_of(self, token: str) -> _User:
        key = hashlib.sha256(token.encode()).digest()
        user = self._users.get(key)
        if user is None:
            answer = await self._review(kube.TOKEN_REVIEW, {"token": token})
            known = answer.authenticated and answer.user
            user = known or _User()
            self._users.put(key, user, _TOKEN_SECONDS)
        return user

    async def _decision_on(self, user: _User, path: str) -> Decision:
        attributes = {"path": path, "verb": "get"}
        spec = {
            "user": user.username,
            "uid": user.uid,
            "groups": user.groups,
            "extra": user.extra,
            "nonResourceAttributes": attributes,
        }
        key = hashlib.sha256(msgspec.json.encode(spec)).digest()
        decision = self._decisions.get(key)
        if decision is None:
            answer = await self._review(kube.SUBJECT_ACCESS_REVIEW, spec)
            decision = Decision.ALLOWED if answer.allowed else Decision.DENIED
            seconds = _ALLOWED_SECONDS if answer.allowed else _DENIED_SECONDS
            self._decisions.put(key, decision, seconds)
        return decision

    async def _review(self, kind: kube.ResourceKind, spec: dict[str, Any]) -> _Answer:
        async with self._reviews:
            document = await self._client.create(
                {"apiVersion": kind.api_version, "kind": kind.kind, "spec": spec}
            )
        return msgspec.convert(document, _Review).status
