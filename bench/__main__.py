"""``python -m bench``: measure the operator beside a bare client.

Exit code 0 when everything was measured, 1 if something did not happen, 2 if
the control plane cannot be had.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

import anyio

from backstage_op import errors, kube, sandbox

from . import rendering, wanted
from .bare import BareClient, Laps
from .instance import Course, Instances
from .process import OperatorProcess
from .report import Figure, Machine, Results
from .scale import Scale, Size

_ROOT: Final = Path(__file__).parent.parent
_MANIFESTS: Final = (
    _ROOT / "crd",
    _ROOT / "deploy" / "namespace.yaml",
    _ROOT / "deploy" / "rbac.yaml",
)
_STARTS: Final = 3
_IDLE_SECONDS: Final = 3.0
_ROUNDS_SECONDS: Final = 60.0
_CROWD_SECONDS: Final = 90.0
_TOTAL_SECONDS: Final = 175.0

_OPERATOR: Final = "bench-operator"
_BARE: Final = "bench-bare"
_CROWD: Final = "bench-crowd"


@final
class Bench:
    """One run. Progress is said on the standard error stream."""

    def __init__(self, box: sandbox.Sandbox, *, rounds: int, crowd: int) -> None:
        self._box = box
        self._rounds = rounds
        self._crowd = crowd
        self._figures: list[Figure] = []

    async def run(self) -> tuple[Figure, ...]:
        """Measure everything, as far as three minutes allow.

        Raises:
            BenchError: something did not happen.
        """
        for namespace in (_OPERATOR, _BARE, _CROWD):
            self._box.create_namespace(namespace)
        try:
            with anyio.fail_after(_TOTAL_SECONDS):
                await self._measure()
        except TimeoutError:
            say(f"not done within {_TOTAL_SECONDS:.0f} s: what is missing is left out")
        return tuple(self._figures)

    async def _measure(self) -> None:
        say("rendering")
        self._figures += rendering.measure()
        await self._measure_starts()
        connection = kube.load(self._box.kubeconfig)
        with OperatorProcess(self._box) as process:
            await process.ready_seconds()
            await anyio.sleep(_IDLE_SECONDS)
            self._add("memory, idle", "MiB", process.memory_mib())
            own = kube.load(process.kubeconfig)
            async with (
                kube.Client.connect(connection) as client,
                BareClient.connect(own) as bare,
            ):
                instances = Instances(self._box, client)
                await self._measure_rounds(client, bare, instances)
                if self._crowd:
                    await self._measure_crowd(client, bare, instances, process)

    async def _measure_starts(self) -> None:
        say(f"starting the operator {_STARTS} times")
        seconds = []
        for _ in range(_STARTS):
            with OperatorProcess(self._box) as process:
                seconds.append(await process.ready_seconds())
        self._add("start to ready", "s", *seconds)

    async def _measure_rounds(
        self, client: kube.Client, bare: BareClient, instances: Instances
    ) -> None:
        """Alternate between the two, so that both see the same machine."""
        # The first of each opens connections and fills caches: not counted.
        say("warming up")
        await instances.deploy(_OPERATOR, ["warm"])
        await bare.deploy([await wanted.compute(client, _BARE, "warm")])
        courses: list[Course] = []
        laps: list[Laps] = []
        objects = 0
        deadline = time.monotonic() + _ROUNDS_SECONDS
        for number in range(1, self._rounds + 1):
            if time.monotonic() > deadline:
                say(f"only {number - 1} rounds in {_ROUNDS_SECONDS:.0f} s")
                break
            target = await wanted.compute(client, _BARE, f"b{number}")
            objects = target.count
            laps += await bare.deploy([target])
            courses += await instances.deploy(_OPERATOR, [f"o{number}"])
            say(
                f"round {number}: the Deployment after {courses[-1].applied:.3f} s, "
                f"by the bare client {laps[-1].applied:.3f} s"
            )
        self._add_rounds(courses, laps, objects)

    def _add_rounds(
        self, courses: list[Course], laps: list[Laps], objects: int
    ) -> None:
        self._compare(
            "created to Deployment",
            [course.applied for course in courses],
            [lap.applied for lap in laps],
        )
        self._compare(
            "created to Deployed",
            [course.deployed for course in courses],
            [lap.deployed for lap in laps],
        )
        self._add("writes until Deployed", "", *(c.writes for c in courses))
        self._add("objects + 2", "", objects + 2)

    async def _measure_crowd(
        self,
        client: kube.Client,
        bare: BareClient,
        instances: Instances,
        process: OperatorProcess,
    ) -> None:
        what = f"{self._crowd} at once"
        say(what)
        names = [f"c{number}" for number in range(self._crowd)]
        targets = [await wanted.compute(client, _BARE, name) for name in names]
        with anyio.move_on_after(_CROWD_SECONDS) as scope:
            before = process.cpu_seconds()
            courses = await instances.deploy(_CROWD, names)
            used = process.cpu_seconds() - before
            last = max(course.deployed for course in courses)
            self._add(f"{what}, to the last Deployed, operator", "s", last)
            self._add(f"{what}, processor time of the operator", "s", used)
            writes = [course.writes for course in courses]
            self._add(f"{what}, writes each", "", *writes)
            self._add(f"memory, after {what}", "MiB", process.memory_mib())
            say("the same by the bare client")
            await anyio.sleep(_IDLE_SECONDS)
            laps = await bare.deploy(targets)
            last = max(lap.deployed for lap in laps)
            self._add(f"{what}, to the last Deployed, bare client", "s", last)
        if scope.cancelled_caught:
            say(f"not done within {_CROWD_SECONDS:.0f} s: what is missing is left out")

    def _compare(self, name: str, ours: Sequence[float], bare: Sequence[float]) -> None:
        self._add(f"{name}, operator", "s", *ours)
        self._add(f"{name}, bare client", "s", *bare)
        ratio = statistics.median(ours) / statistics.median(bare)
        self._add(f"{name}, ratio of the medians", "x", ratio)

    def _add(self, name: str, unit: str, *values: float) -> None:
        self._figures.append(Figure.of(name, unit, values))


def say(line: str) -> None:
    """Show progress, apart from the results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument(
        "-o", "--output", choices=["table", "json"], default="table", help="format"
    )
    parser.add_argument("--rounds", type=int, default=20, help="of one instance each")
    parser.add_argument("--crowd", type=int, default=50, help="instances at once")
    parser.add_argument(
        "--scale", action="store_true", help="many instances instead, twenty minutes"
    )
    parser.add_argument(
        "--render", action="store_true", help="only what needs no control plane"
    )
    parser.add_argument("--instances", type=int, default=200, help="with --scale")
    parser.add_argument("--foreign", type=int, default=20_000, help="with --scale")
    parser.add_argument(
        "--quiet", type=float, default=0.0, help="minutes, with --scale"
    )
    parser.add_argument(
        "--offline", action="store_true", help="fetch no binaries, build them"
    )
    options = parser.parse_args()
    if options.rounds < 1 or options.crowd < 0:
        parser.error("--rounds is 1 or more, --crowd 0 or more")
    try:
        results = _run(options)
    except errors.SandboxError as error:
        say(f"Error: {error}")
        sys.exit(2)
    except errors.OperatorError as error:
        say(f"Error: {error}")
        sys.exit(1)
    print(results.json() if options.output == "json" else results.table())


def _run(options: argparse.Namespace) -> Results:
    load = os.getloadavg()[0]
    if options.render:
        machine = Machine.here(kubernetes="not used", load=load)
        return Results(machine=machine, figures=tuple(rendering.measure()))
    with sandbox.start(
        offline=options.offline, manifests=_MANIFESTS, on_progress=say
    ) as box:
        kubernetes = box.admin.request("GET", "/version")["gitVersion"]
        bench: Bench | Scale = Bench(box, rounds=options.rounds, crowd=options.crowd)
        if options.scale:
            size = Size(
                instances=options.instances,
                foreign=options.foreign,
                quiet_minutes=options.quiet,
            )
            bench = Scale(box, size, say)
        figures = anyio.run(bench.run)
    return Results(
        machine=Machine.here(kubernetes=kubernetes, load=load), figures=figures
    )


if __name__ == "__main__":
    main()
