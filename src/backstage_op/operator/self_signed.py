"""A certificate that this process signs itself, for who brings none.

Nobody is asked to trust it: it makes the connection private, and clients that
want to know whom they speak to are given a certificate by an administrator.
That is why its few lines of arithmetic need no library for cryptography, which
the image would carry for nothing else; the handshakes are OpenSSL's own.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Point: TypeAlias = tuple[int, int]

# The curve P-256 (SEC 2): y² = x³ - 3x + b over _FIELD, of prime order.
_FIELD: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BASE: Final[Point] = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_OCTET_STRING: Final = 0x04
_UTF8_STRING: Final = 0x0C
_UTC_TIME: Final = 0x17
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_DNS_NAME: Final = 0x82
_EXPLICIT: Final = (0xA0, 0xA1, 0xA3)

# Object identifiers, encoded.
_EC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_P256: Final = bytes.fromhex("06082a8648ce3d030107")
_ECDSA_SHA256: Final = bytes.fromhex("06082a8648ce3d040302")
_COMMON_NAME: Final = bytes.fromhex("0603550403")
_ALTERNATIVE_NAMES: Final = bytes.fromhex("0603551d11")

_LIFETIME: Final = timedelta(days=3650)
_LONG_FORM: Final = 0x80


def make(names: Sequence[str]) -> str:
    """Return a new private key and its certificate for these hosts, as PEM."""
    secret = secrets.randbelow(_ORDER - 1) + 1
    point = _times(secret, _BASE)
    public = b"\x04" + b"".join(n.to_bytes(32, "big") for n in point)
    body = _body(names, public)
    certificate = _der(
        _SEQUENCE, body, _der(_SEQUENCE, _ECDSA_SHA256), _bits(_signature(secret, body))
    )
    key = _der(
        _SEQUENCE,
        _integer(1),
        _der(_OCTET_STRING, secret.to_bytes(32, "big")),
        _der(_EXPLICIT[0], _P256),
        _der(_EXPLICIT[1], _bits(public)),
    )
    return _pem("EC PRIVATE KEY", key) + _pem("CERTIFICATE", certificate)


def _body(names: Sequence[str], public: bytes) -> bytes:
    """Return what is signed, RFC 5280 section 4.1."""
    name = _der(
        _SEQUENCE,
        _der(
            _SET,
            _der(_SEQUENCE, _COMMON_NAME, _der(_UTF8_STRING, names[0].encode()[:64])),
        ),
    )
    now = datetime.now(UTC)
    # From yesterday: the clock of a client may be slow.
    validity = _der(_SEQUENCE, _time(now - timedelta(days=1)), _time(now + _LIFETIME))
    alternatives = _der(
        _SEQUENCE, *(_der(_DNS_NAME, host.encode("ascii")) for host in names)
    )
    return _der(
        _SEQUENCE,
        _der(_EXPLICIT[0], _integer(2)),
        _integer(secrets.randbits(63) + 1),
        _der(_SEQUENCE, _ECDSA_SHA256),
        name,
        validity,
        name,
        _der(_SEQUENCE, _der(_SEQUENCE, _EC_KEY, _P256), _bits(public)),
        _der(
            _EXPLICIT[2],
            _der(
                _SEQUENCE,
                _der(_SEQUENCE, _ALTERNATIVE_NAMES, _der(_OCTET_STRING, alternatives)),
            ),
        ),
    )


def _signature(secret: int, message: bytes) -> bytes:
    """Return the ECDSA signature, FIPS 186-5 section 6.4."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    nonce = secrets.randbelow(_ORDER - 1) + 1
    r = _times(nonce, _BASE)[0] % _ORDER
    s = pow(nonce, -1, _ORDER) * (digest + r * secret) % _ORDER
    return _der(_SEQUENCE, _integer(r), _integer(s))


def _times(factor: int, point: Point) -> Point:
    total: Point | None = None
    while factor:
        if factor & 1:
            total = point if total is None else _plus(total, point)
        point = _plus(point, point)
        factor >>= 1
    assert total is not None  # noqa: S101 - a factor is between 1 and the order
    return total


def _plus(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    if one == other:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _FIELD)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _FIELD)
    x = (slope * slope - x1 - x2) % _FIELD
    return x, (slope * (x1 - x) - y1) % _FIELD


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content


def _integer(value: int) -> bytes:
    # One bit more than needed: the first one is the sign.
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _der(_BIT_STRING, b"\x00", content)


def _time(moment: datetime) -> bytes:
    return _der(_UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())


def _pem(label: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
