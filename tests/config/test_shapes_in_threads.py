"""Manifests are checked in several threads from the first one on."""

import json
import subprocess
import sys

_THREADS = 8
_PROGRAM = """
import json, sys, threading
from backstage_op.config import shapes

sys.setswitchinterval(1e-6)
barrier = threading.Barrier(int(sys.argv[1]))
pod = {"containers": [{"name": "a", "env": [{"name": "b", "value": "c"}]}]}
document = {
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"e": "f"}},
    "spec": {"template": {"metadata": {"name": "g"}, "spec": pod}},
}
answers = []

def check():
    barrier.wait()
    try:
        answers.append(shapes.problem(document))
    except Exception as error:
        answers.append(repr(error))

threads = [threading.Thread(target=check) for _ in range(barrier.parties)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
json.dump(answers, sys.stdout, default=str)
"""


def test_the_first_use_by_many_threads_finds_what_one_would() -> None:
    # Only the first use in a process is at risk, and not each time.
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(_THREADS)],
            check=False,
            capture_output=True,
            text=True,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout) == [None] * _THREADS
