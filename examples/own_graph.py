"""The graph alone: two idempotent steps that have nothing to do with Backstage.

python own_graph.py FOLDER
"""

import functools
import sys
from pathlib import Path

import anyio

from backstage_op.graph import Gate, Need, Node, Outcome, Plan, Report, Runner


async def make_folder(folder: anyio.Path) -> Outcome:
    """Make sure that there is a folder."""
    if await folder.is_dir():
        return Outcome.ok()
    await folder.mkdir(parents=True)
    return Outcome.changed()


async def write_greeting(file: anyio.Path) -> Outcome:
    """Make sure that a file says hello."""
    if await file.exists() and await file.read_text() == "hello\n":
        return Outcome.ok()
    await file.write_text("hello\n")
    return Outcome.changed()


async def main(folder: Path) -> Report:
    """Walk both steps; the second starts when the first is ready."""
    target = anyio.Path(folder)
    plan = Plan(
        [
            Node(key="folder", step=functools.partial(make_folder, target)),
            Node(
                key="greeting",
                needs=(Need("folder", Gate.READY),),
                step=functools.partial(write_greeting, target / "greeting.txt"),
            ),
        ]
    )
    return await Runner().walk(plan)


if __name__ == "__main__":
    report = anyio.run(main, Path(sys.argv[1]))
    for key, outcome in report.items():
        print(f"{outcome.status:8} {key}")
    print(report.recap())
