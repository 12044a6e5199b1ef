"""What a text in the custom resource may be, and what to tell whoever missed it.

A rule is one regular expression in the dialect that Python and RE2 share. The
API server checks it as a CEL rule, because only those carry a message; the
library checks it while decoding, so that both refuse the same texts.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec


class TextRule(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern and its limits, with the remedy for a text that breaks it.

    ``pattern`` begins with ``^`` and ends with ``$``. ``max_length`` is in
    characters; the server needs one to bound the cost of the check.
    """

    pattern: str
    message: str
    max_length: int

    def meta(self) -> msgspec.Meta:
        """Return the constraint as an annotation for a ``str``."""
        # Python's "$" also matches before a final newline, RE2's does not.
        return msgspec.Meta(
            pattern=self.pattern.removesuffix("$") + r"\Z",
            max_length=self.max_length,
            extra={"rule": self},
        )

    def validation(self) -> dict[str, Any]:
        """Return the constraint as an ``x-kubernetes-validations`` entry."""
        escaped = self.pattern.replace("\\", "\\\\").replace("'", "\\'")
        return {"rule": f"self.matches('{escaped}')", "message": self.message}


_DNS_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_NAME: Final = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_HOST_LABEL: Final = "[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?"

REQUIRED_NAME: Final = TextRule(
    pattern=f"^{_DNS_NAME}$",
    message="must name an object of the same namespace: lower case letters, digits, "
    "'-' and '.', beginning and ending with a letter or digit",
    max_length=253,
)

OPTIONAL_NAME: Final = TextRule(
    pattern=f"^({_DNS_NAME})?$",
    message=REQUIRED_NAME.message,
    max_length=253,
)

DATA_KEY: Final = TextRule(
    pattern=r"^(\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*)?$",
    message="must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and "
    "'.', neither '.' nor beginning with '..'",
    max_length=253,
)

MOUNT_PATH: Final = TextRule(
    pattern=r"^/*(([^:/.][^:/]*|\.[^:/.][^:/]*|\.\.[^:/]+|\.)(/+|$))*$",
    message="must be a path in the container, without ':' and without '..' as a part",
    max_length=1024,
)

ENV_NAME: Final = TextRule(
    pattern="^[ -<>-~]+$",
    message="must be the name of an environment variable: one or more printable "
    "ASCII characters, without '='",
    max_length=1024,
)

HOST: Final = TextRule(
    pattern=rf"^({_HOST_LABEL}(\.{_HOST_LABEL})*)?$",
    message="must be a DNS name such as portal.example.com: labels of at most 63 "
    "letters, digits and '-', joined by '.'",
    max_length=253,
)

_LOWER_LABEL: Final = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

INGRESS_HOST: Final = TextRule(
    pattern=rf"^((\*\.)?{_LOWER_LABEL}(\.{_LOWER_LABEL})*)?$",
    message="must be a DNS name such as portal.example.com, or a wildcard such as "
    "*.example.com, in lower case",
    max_length=253,
)

ROUTE_HOST: Final = TextRule(
    pattern=rf"^(\*\.)?{_LOWER_LABEL}(\.{_LOWER_LABEL})*$",
    message=INGRESS_HOST.message,
    max_length=253,
)

QUANTITY: Final = TextRule(
    pattern=r"^([+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?)?$",
    message="must be a quantity such as 500m, 2 or 10Gi",
    max_length=64,
)

DURATION: Final = TextRule(
    pattern=r"^(([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
    message="must be a duration such as 30s or 1m",
    max_length=32,
)

IMAGE: Final = TextRule(
    pattern=r"^[^\s]*$",
    message="must be an image reference without spaces, "
    "such as registry.example.com/portal:1.0",
    max_length=1024,
)

FLAVOUR: Final = TextRule(
    pattern=r"^[-_a-zA-Z0-9][-._a-zA-Z0-9]*$",
    message="must name a flavour of the operator's configuration: letters, digits, "
    "'-', '_' and '.', not beginning with '.'",
    max_length=253,
)

TEXT_RULES: Final = (
    REQUIRED_NAME,
    OPTIONAL_NAME,
    DATA_KEY,
    MOUNT_PATH,
    ENV_NAME,
    HOST,
    INGRESS_HOST,
    ROUTE_HOST,
    QUANTITY,
    DURATION,
    IMAGE,
    FLAVOUR,
)
"""All of them, for whoever must find a rule by its pattern."""
