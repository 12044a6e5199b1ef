"""Chapter 6: what the portal knows is in its database, and outlives it."""

import pytest

from . import postgresql
from .conftest import Images
from .kubectl import wait_until
from .portal import DATABASE, DATABASE_SECRET, TOKEN, Portal
from .visitor import ENTITY_NAME, ENTITY_URL

_ENTITY = f"/api/catalog/entities/by-name/component/default/{ENTITY_NAME}"
_CLAIM = f"data-{DATABASE}-0"


@pytest.fixture
def known(portal: Portal) -> str:
    """The uid of an entity that was registered; each database makes its own."""
    portal.register(ENTITY_URL, ENTITY_NAME)
    return _uid(portal)


def test_a_deleted_resource_comes_back_with_its_data(
    portal: Portal, known: str
) -> None:
    password = portal.kubectl.get("secret", DATABASE_SECRET)["data"]
    claim = portal.kubectl.get("pvc", _CLAIM)["metadata"]["uid"]

    portal.delete()
    portal.create()
    portal.wait_deployed()

    assert portal.kubectl.get("pvc", _CLAIM)["metadata"]["uid"] == claim
    assert portal.kubectl.get("secret", DATABASE_SECRET)["data"] == password
    # PostgreSQL took its password at its first start: this proves that it is known.
    assert _uid(portal) == known


def test_an_external_database_is_used_and_the_local_one_keeps_its_data(
    portal: Portal, known: str, images: Images
) -> None:
    postgresql.start(portal.kubectl, images.postgresql)

    portal.create(
        {
            "database": {
                "enableLocalDb": False,
                "authSecretName": postgresql.CREDENTIALS,
            }
        }
    )
    portal.wait_deployed()
    portal.ask(_ENTITY, token=TOKEN, want=404)
    portal.register(ENTITY_URL, ENTITY_NAME)
    assert _uid(portal) != known
    assert "backstage_plugin_catalog" in postgresql.databases(portal.kubectl)

    portal.create()
    portal.wait_deployed()
    wait_until(lambda: _uid(portal) == known, portal.story)


def test_another_major_version_is_refused_and_the_database_goes_on(
    portal: Portal, known: str
) -> None:
    database = portal.identities(DATABASE)

    portal.create({"database": {"local": {"image": "localhost/postgresql-16:1"}}})

    told = portal.wait_condition("Database", "False", "MajorUpgradeRequired")
    assert "15" in told
    assert "16" in told
    assert portal.identities(DATABASE) == database
    assert _uid(portal) == known


def _uid(portal: Portal) -> str:
    return str(portal.entity(ENTITY_NAME)["metadata"]["uid"])
