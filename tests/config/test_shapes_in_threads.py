"""Manifests are checked in several threads from the first one on."""

import subprocess
import sys

_PROGRAM = """
import sys, threading
from backstage_op.config import shapes

sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)
pod = {"containers": [{"name": "a", "env": [{"name": "b", "value": "c"}]}]}
document = {
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"e": "f"}},
    "spec": {"template": {"metadata": {"name": "g"}, "spec": pod}},
}

def check():
    barrier.wait()
    assert shapes.problem(document) is None

threads = [threading.Thread(target=check) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_use_by_many_threads_crashes_nothing() -> None:
    # Only the first use in a process is at risk, and not each time.
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", _PROGRAM], check=False)

        assert done.returncode == 0
