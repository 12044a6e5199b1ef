"""Read everything that one reconcile computes from; write nothing."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Final, final

import msgspec

from backstage_op import api, config, errors, kube, resources
from backstage_op.document import Document, ObjectRef

from .live import DirectLive, Live
from .memory import Memory, NoMemory
from .reading import SOURCE_KINDS, Reading
from .references import InstanceKey

_PASSWORD_BYTES: Final = 24
_CHECKSUM_KEY_BYTES: Final = 32


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every instance: configuration, platform, images."""

    default: config.DefaultConfig
    platform: resources.Platform = resources.Platform()
    images: resources.Images = resources.Images()
    proxy: resources.Proxy = resources.Proxy()
    allow_privileged_patches: bool = False


class Gathered(msgspec.Struct, frozen=True):
    """What was read, and which objects of the user must not be read.

    ``unread`` are the ConfigMaps and Secrets among those.
    """

    inputs: resources.Inputs
    denied: tuple[errors.ForbiddenError, ...]
    unread: frozenset[resources.Source]

    @property
    def knows_layers(self) -> bool:
        """Whether anything can be said of the objects that the resource leads to."""
        return not resources.hides_layers(self.inputs.backstage, self.unread)

    def known(self, composition: resources.Composition) -> resources.Composition:
        """Return it without objects that an object which was not read decides about."""
        if not self.denied:
            return composition
        return resources.without_guesses(
            composition, self.inputs.backstage, self.unread
        )

    def faults_beside_denials(
        self, faults: Sequence[errors.ConfigError]
    ) -> tuple[errors.ConfigError, ...]:
        """Return the faults but for those that only seem to be some."""
        if not self.knows_layers:
            return ()
        targets = {error.target for error in self.denied}
        return tuple(
            fault
            for fault in faults
            if not isinstance(fault, errors.MissingReferenceError)
            or f"{fault.kind} {fault.namespace}/{fault.name}" not in targets
        )


@final
class Gatherer:
    """Reads the inputs of a reconcile.

    Objects of the instance come from ``live``; objects of the user are read by
    name from the API server, unless ``memory`` knows them.
    """

    def __init__(
        self,
        client: kube.Client,
        live: Live,
        environment: Environment,
        memory: Memory | None = None,
    ) -> None:
        self._client = client
        self._live = live
        self._environment = environment
        self._memory = memory or NoMemory()
        self._absent: dict[InstanceKey, set[ObjectRef]] = {}

    def forget(self, key: InstanceKey) -> None:
        """Know nothing of an instance any more."""
        self._absent.pop(key, None)

    async def gather(self, backstage: api.Backstage) -> Gathered:
        """Return the inputs of one reconcile of a resource.

        An object of the user that is absent, or must not be read, is a finding,
        not an error; so is an object of ours that must not be read.

        Raises:
            errors.TransientError: the API server did not answer as hoped.
        """
        instance = resources.instance_of(backstage)
        wanted = resources.references_of(backstage)
        found = Reading(self._client, instance.namespace, self._memory)
        await found.read(wanted)
        absent = self._absent.setdefault((instance.namespace, instance.name), set())
        own = _Own(self._client, self._live, absent)
        inputs = resources.Inputs(
            backstage=backstage,
            default=self._environment.default,
            platform=self._environment.platform,
            images=self._environment.images,
            allow_privileged_patches=self._environment.allow_privileged_patches,
            sources=found.sources,
            claims=frozenset(found.claims),
            live_workload=await own.workload(backstage),
            database_password=await own.password(backstage),
            backend_secret=_new_password(),
            proxy=self._environment.proxy,
            checksum_key=await own.checksum_key(instance),
            withheld=own.withheld,
        )
        return Gathered(inputs, found.denied, found.unread)


@final
class _Own:
    """What objects of ours carry, and their next state is computed from.

    A new value is for a Secret that is absent, or was emptied. One that must not
    be read may hold another value, and is in ``withheld``: neither it nor what
    needs it is to be written. ``absent`` is what the API server said is not there,
    since ``live`` last had it.
    """

    def __init__(self, client: kube.Client, live: Live, absent: set[ObjectRef]) -> None:
        self._live = live
        self._direct = DirectLive(client)
        self._absent = absent
        self.withheld: Final[dict[ObjectRef, errors.ForbiddenError]] = {}

    async def workload(self, backstage: api.Backstage) -> resources.LiveWorkload | None:
        """Return what the portal's workload carries, None if it is absent."""
        ref = resources.workload_ref(backstage)
        document = await self._read(ref, is_decisive=True)
        if ref in self.withheld:
            # It may run, and then waits for nothing.
            return resources.LiveWorkload()
        return resources.read_live_workload(document) if document else None

    async def password(self, backstage: api.Backstage) -> str:
        """Return that of the local database; any, if it is not ours to make."""
        database = backstage.spec.database
        known = ""
        if database.enable_local_db and not database.auth_secret_name:
            instance = resources.instance_of(backstage)
            document = await self._read(resources.database_secret_ref(instance))
            known = resources.read_password(document)
        return known or _new_password()

    async def checksum_key(self, instance: resources.Instance) -> bytes:
        """Return the key of the digest over what is mounted."""
        ref = resources.checksum_key_ref(instance)
        document = await self._read(ref, is_decisive=True)
        known = resources.read_checksum_key(document)
        # An empty key would make the digest one that anybody can compute.
        return known or secrets.token_bytes(_CHECKSUM_KEY_BYTES)

    async def _read(self, ref: ObjectRef, *, is_decisive: bool = False) -> Document:
        """Return an object, empty if it is absent or withheld.

        What decides about a rollout is absent only if the API server says so:
        without our labels it may be there, and no watch shows it.
        """
        try:
            observed = await self._live.get(ref)
            if observed is None and is_decisive and ref not in self._absent:
                observed = await self._direct.get(ref)
                if observed is None:
                    self._absent.add(ref)
            elif observed is not None:
                self._absent.discard(ref)
        except errors.ForbiddenError as error:
            self.withheld[ref] = error
            return {}
        return {} if observed is None else observed.document()


def refs_of(backstage: api.Backstage) -> frozenset[ObjectRef]:
    """Return the ConfigMaps, Secrets and claims whose changes concern a resource.

    Besides those that the specification names, they are the password and the
    claim of the local database: both outlive it, and a person may restore them.
    """
    namespace = backstage.metadata.namespace
    wanted = resources.references_of(backstage)
    instance = resources.instance_of(backstage)
    database: list[ObjectRef] = []
    if backstage.spec.database.enable_local_db:
        database.append(resources.database_secret_ref(instance))
        database.append(resources.database_claim_ref(instance))
    return frozenset(
        database
        + [SOURCE_KINDS[s.kind].ref(namespace, s.name) for s in wanted.sources]
        + [kube.PERSISTENT_VOLUME_CLAIM.ref(namespace, name) for name in wanted.claims]
    )


def _new_password() -> str:
    return base64.b64encode(secrets.token_bytes(_PASSWORD_BYTES)).decode()
