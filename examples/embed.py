"""Deploy one Backstage from your own program, without the operator.

python embed.py KUBECONFIG NAMESPACE NAME
"""

import sys
from pathlib import Path

import anyio

from backstage_op import api, config, graph, kube, operator


def show(key: str, outcome: graph.Outcome) -> None:
    """Print how one object ended, as soon as it has."""
    print(f"{outcome.status:8} {key}  {outcome.message}".rstrip())


async def main(kubeconfig: Path, namespace: str, name: str) -> None:
    """Walk the graph of a ``Backstage`` once. Call it until the report ``is_ready``."""
    async with kube.Client.connect(kube.load(kubeconfig)) as client:
        environment = operator.Environment(
            default=config.DefaultConfig.shipped("backstage.io"),
            platform=await operator.platform_of(client),
        )
        reconciler = operator.Reconciler(client, environment, on_outcome=show)
        document = await client.get(kube.BACKSTAGE, namespace, name)
        result = await reconciler.reconcile(api.decode(document))
    for fault in result.faults:
        print(f"fault    {fault}")
    if result.report is not None:
        print(f"\n{namespace}/{name}: {result.report.recap()}")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2], sys.argv[3])
