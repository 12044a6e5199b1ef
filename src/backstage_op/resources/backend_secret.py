"""The secret by which Backstage's backend signs: made once where none is set.

Only an app-config that refers to it leads to one, so that a portal that does
without is not changed, nor one that has its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import ClassVar, Final, final

from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Lifecycle, RuntimeObject
from .config_files import ReadFile
from .pod_template import SECRET

KEY: Final = "backend-secret"
VARIABLE: Final = "BACKEND_SECRET"

# "$${X}" is text, not a reference; "${X:-y}" and "$env: X" are references too.
_REFERENCE: Final = re.compile(
    rb"(?<!\$)\$\{\s*"
    + VARIABLE.encode()
    + rb"\b|\$env['\"]?\s*:\s*['\"]?"
    + VARIABLE.encode()
    + rb"\b"
)


@final
class BackendSecret(RuntimeObject, frozen=True, kw_only=True):
    """The Secret with the generated value."""

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    value: str

    def __repr__(self) -> str:
        return f"BackendSecret({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Secret."""
        name = naming.backend_secret_name(self.instance.name)
        return ObjectRef("v1", SECRET, self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the Secret, owned by the instance."""
        manifest: Document = {
            "apiVersion": "v1",
            "kind": SECRET,
            "type": "Opaque",
            "data": {VARIABLE: base64.b64encode(self.value.encode()).decode()},
        }
        return naming.stamped(manifest, self.instance, self.ref.name)


def is_referred_to(files: Iterable[ReadFile]) -> bool:
    """Tell whether an app-config that the backend reads refers to the secret."""
    return any(_REFERENCE.search(file.data) for file in files)
