"""What must be so before the local database is touched: nobody loses data.

The password fits the data in the claim, and so does PostgreSQL's major version.
Whatever would break that is not done, and said.
"""

from __future__ import annotations

from typing import final

from backstage_op import api, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Outcome

from .live import DirectLive, Live
from .ownership import Bond, bond_of


@final
class DatabaseGuard:
    """Looks at the claim before the Secret or the StatefulSet is written.

    ``has_portal`` tells that the portal's workload is there: the first one is made
    when the database has been ready.
    """

    def __init__(
        self,
        client: kube.Client,
        live: Live,
        instance: resources.Instance,
        *,
        has_portal: bool,
    ) -> None:
        self._has_portal = has_portal
        self._client = client
        self._live = live
        self._instance = instance
        self._secret = resources.database_secret_ref(instance)
        self._claim = resources.database_claim_ref(instance)

    async def objection(
        self, key: str, desired: Document, observed: kube.Observed | None
    ) -> Outcome | None:
        """Return why an object of the database must not be written, or None.

        Args:
            key: The node of the object; those of other objects pass.
            desired: What would be written.
            observed: The object that is there, ours.

        Raises:
            errors.KubeError: the claim could not be read.
        """
        match key:
            case resources.DATABASE_SECRET_KEY:
                return await self._password(observed)
            case resources.DATABASE_KEY:
                return await self._major(desired, observed)
            case _:
                return None

    async def _password(self, observed: kube.Observed | None) -> Outcome | None:
        if not _is_lost(observed) or not await self._has_data():
            return None
        # It may be there without our labels, so that no watch shows it.
        if not _is_lost(await DirectLive(self._client).get(self._secret)):
            return None
        return Outcome.failed(
            api.Reason.PASSWORD_LOST,
            f"{self._claim} holds a database whose password is lost: {self._secret} "
            "is absent or empty; restore it from a backup, or delete the claim if "
            "its data are not needed",
        )

    async def _major(
        self, desired: Document, observed: kube.Observed | None
    ) -> Outcome | None:
        wanted = resources.postgresql_major(desired)
        if wanted is None:
            return None
        secret = await self._live.get(self._secret)
        noted = _noted(secret)
        if noted is None and observed is not None:
            noted = resources.postgresql_major(observed.document())
        is_other = noted not in (None, wanted)
        if is_other and self._may_have_run(observed) and await self._has_data():
            return Outcome.failed(
                api.Reason.MAJOR_UPGRADE_REQUIRED,
                f"{self._claim} was written by PostgreSQL {noted}, and the image is of "
                f"PostgreSQL {wanted}; dump and restore the data into a new claim, go "
                "back to the image, or delete the claim if nothing ever ran on it",
            )
        await self._note(secret, wanted)
        return None

    def _may_have_run(self, observed: kube.Observed | None) -> bool:
        """Tell whether somebody may have written data; an image that is wrong has not.

        Without a StatefulSet nothing is known of the resource that made the claim.
        """
        if observed is None or self._has_portal:
            return True
        status = observed.document().get("status") or {}
        return bool(status.get("readyReplicas"))

    async def _note(self, secret: kube.Observed | None, major: int) -> None:
        """Write down on our Secret which version the data are of."""
        if secret is None or secret.deleting or _noted(secret) == major:
            return
        once = resources.Lifecycle.CREATE_ONCE
        if bond_of(self._instance, once, secret) is not Bond.OURS:
            return
        labels = {"metadata": {"labels": {resources.POSTGRESQL_MAJOR: str(major)}}}
        document = await self._client.merge(self._secret, labels, uid=secret.uid)
        self._live.observe(document)

    async def _has_data(self) -> bool:
        return await DirectLive(self._client).get(self._claim) is not None


def _noted(secret: kube.Observed | None) -> int | None:
    text = "" if secret is None else secret.labels.get(resources.POSTGRESQL_MAJOR, "")
    return int(text) if text.isdecimal() else None


def _is_lost(secret: kube.Observed | None) -> bool:
    return secret is None or not resources.read_password(secret.document())
