"""The objects of the local database, and how the portal learns where a database is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from backstage_op import config, errors
from backstage_op.graph import Need

from . import checksum, configured, database, deployment, forbidden_secrets, postgresql
from .base import RuntimeObject
from .pod_template import SECRET, Environment, Origin, PodContribution
from .scope import Part, Scope, contents_of, is_idled, retains

_REQUIRED: Final = (
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
)
_REQUIRED_BY_POSTGRESQL: Final = ("POSTGRESQL_ADMIN_PASSWORD",)


def parts(scope: Scope) -> Iterator[Part]:
    """Yield how the portal learns where the database is."""
    path = "spec.database.authSecretName"
    name = database.secret_name(scope.inputs, scope.instance)
    if not name:
        return
    contents: tuple[checksum.Content, ...] = ()
    with scope.collecting():
        if scope.inputs.backstage.spec.database.auth_secret_name:
            data = scope.content(path, SECRET, name)
            contents = contents_of(SECRET, name, data)
            _check_keys(scope, path, name, data)
        yield Part(
            contribution=PodContribution(
                origin=Origin(path=path), environments=(Environment(SECRET, name),)
            ),
            contents=contents,
        )


def _check_keys(scope: Scope, path: str, name: str, data: Mapping[str, bytes]) -> None:
    is_local = scope.inputs.backstage.spec.database.enable_local_db
    scope.add_faults(
        errors.MissingReferenceError(path, SECRET, name, scope.instance.namespace, key)
        for key in (*_REQUIRED, *(_REQUIRED_BY_POSTGRESQL if is_local else ()))
        if key not in data
    )


def objects(scope: Scope) -> Iterator[RuntimeObject]:
    """Yield the Secret, the Service and the StatefulSet, if there is to be one."""
    spec = scope.inputs.backstage.spec.database
    if not spec.enable_local_db:
        return
    found: dict[str, config.Layered] = {}
    for key, kinds in database.KINDS.items():
        with scope.collecting():
            layered = scope.layers.one(key, kinds)
            if layered is not None:
                found[key] = layered
    instance = scope.instance
    if not spec.auth_secret_name:
        with scope.collecting():
            yield _secret(scope, found)
    if (layered := found.get(database.SERVICE_CONFIG_KEY)) is not None:
        yield database.DatabaseService(
            key=database.SERVICE_KEY, instance=instance, manifest=layered.document
        )
    if (layered := found.get(database.STATEFUL_SET_CONFIG_KEY)) is not None:
        with scope.collecting():
            deployment.pod_of(layered, database.STATEFUL_SET_CONFIG_KEY)
            _check_claims(layered)
            yield database.DatabaseStatefulSet(
                key=database.STATEFUL_SET_KEY,
                instance=instance,
                manifest=layered.document,
                secret=database.secret_name(scope.inputs, instance),
                image=_image(scope),
                local=spec.local,
                is_idled=is_idled(scope.inputs.backstage),
                retains=retains(scope.inputs.backstage),
                needs=_needs(found, has_secret=not spec.auth_secret_name),
            )


def _check_claims(layered: config.Layered) -> None:
    """Check that the claim with the data is the one that is looked at.

    Raises:
        errors.ManifestError: there are claims, and none has the name of it.
    """
    names = database.claim_names(layered.document.get("spec") or {})
    if names and database.CLAIM not in names:
        raise errors.ManifestError(
            layered.origin,
            database.STATEFUL_SET_CONFIG_KEY,
            f"spec.volumeClaimTemplates: found {', '.join(names)} and none called "
            f"{database.CLAIM}; call the one with the data of PostgreSQL "
            f"{database.CLAIM}, by which they are protected. Data that are in another "
            "claim have to be dumped and restored",
        )


def _secret(
    scope: Scope, found: Mapping[str, config.Layered]
) -> database.DatabaseSecret:
    manifest, key = database.EMPTY_SECRET, database.SECRET_CONFIG_KEY
    if (layered := found.get(key)) is not None:
        manifest = layered.document
        named = (manifest.get("metadata") or {}).get("name") or ""
        forbidden_secrets.check_type(
            f"{layered.origin}, key {key}", named, manifest.get("type")
        )
        manifest = configured.encoded(manifest, layered.origin, key)
    return database.DatabaseSecret(
        key=database.SECRET_KEY,
        instance=scope.instance,
        manifest=manifest,
        password=scope.inputs.database_password,
        port=_port(found.get(database.SERVICE_CONFIG_KEY)),
        major=_major(scope, found),
        retains=retains(scope.inputs.backstage),
    )


def port(scope: Scope) -> int:
    """Return the port of the local database's Service, the usual one if unknown."""
    key = database.SERVICE_CONFIG_KEY
    try:
        return _port(scope.layers.one(key, database.KINDS[key]))
    except errors.ConfigError:
        # The Service itself tells what is wrong with its manifest.
        return _port(None)


def _port(service: config.Layered | None) -> int:
    return database.port_of(service.document if service else {})


def _major(scope: Scope, found: Mapping[str, config.Layered]) -> int | None:
    image = _image(scope)
    if image:
        return postgresql.major_of(image)
    layered = found.get(database.STATEFUL_SET_CONFIG_KEY)
    try:
        return postgresql.postgresql_major(layered.document) if layered else None
    except (KeyError, IndexError, TypeError):
        # The StatefulSet itself tells what is wrong with its manifest.
        return None


def _image(scope: Scope) -> str:
    spec = scope.inputs.backstage.spec.database
    return spec.local.image or scope.inputs.images.postgresql


def _needs(
    found: Mapping[str, config.Layered], *, has_secret: bool
) -> tuple[Need, ...]:
    needs = []
    if has_secret:
        needs.append(Need(database.SECRET_KEY))
    if database.SERVICE_CONFIG_KEY in found:
        needs.append(Need(database.SERVICE_KEY))
    return tuple(needs)
