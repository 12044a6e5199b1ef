"""A port of loopback that leads into the cluster, for a browser on this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from .kubectl import Kubectl


@contextmanager
def tunnel(kubectl: Kubectl, target: str, port: int) -> Iterator[str]:
    """Forward a free port to one pod of a Service, and give the address."""
    command = ("port-forward", "--address=127.0.0.1", target, f":{port}")
    with subprocess.Popen(
        kubectl.command(*command), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found, f"kubectl port-forward {target}: {line}"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.kill()
