"""A resource that is nested as deeply as the API server accepts stops nobody."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import threading

from backstage_op import api, errors, kube
from backstage_op.cli import interpreter

interpreter.allow_deep_json()
levels = 9_990
nested = b'{"a":' * levels + b"1" + b"}" * levels
body = b'{"metadata":{"name":"x","resourceVersion":"1"},"spec":' + nested + b"}"

def check():
    observed = kube.Observed.decode(body, api.API_VERSION, api.KIND)
    try:
        api.decode(observed.document())
    except errors.SpecError as error:
        print(error)

check()
thread = threading.Thread(target=check)
thread.start()
thread.join()
"""


def test_it_is_decoded_in_every_thread_and_refused() -> None:
    # In a process of its own, since the limit holds for all of it.
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        check=False,
        capture_output=True,
        text=True,
    )

    refusal = "spec: nested deeper than 64 levels; flatten it\n"
    assert (done.returncode, done.stdout) == (0, refusal * 2), done.stderr
