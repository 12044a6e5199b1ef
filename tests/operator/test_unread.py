"""Objects of users that must not be read: what they decide about is left as it is."""

from __future__ import annotations

from typing import Any, Final

import httpx2
import msgspec
import pytest
from tests.operator.stage import DATABASE, SERVICE, WITHOUT_DATABASE, Stage, conditions
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status

from backstage_op import config, kube, resources
from backstage_op.document import Document
from backstage_op.operator import Environment, Reconciler, Retry

USERS: Final = Key("v1", "configmaps", "ns", "users")
SECRET: Final = USERS._replace(plural="secrets")
PLUGINS: Final = USERS._replace(name="backstage-dynamic-plugins-my")
PLUGIN_CONFIG: Final = USERS._replace(name="backstage-appconfig-my-plugins-appconfig")
APP_CONFIG: Final = USERS._replace(name="backstage-appconfig-my-default")
BACKEND_SECRET: Final = SECRET._replace(name="backstage-backend-secret-my")
NEEDED: Final = USERS._replace(name="needed")

RAW: Final = {
    "service.yaml": """
apiVersion: v1
kind: Service
metadata: {name: any}
spec:
  type: LoadBalancer
  ports: [{name: http-backend, port: 443, targetPort: backend}]
""",
    "db-statefulset.yaml": """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: any}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: postgresql, image: example.com/postgresql-15:1}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 50Gi}}}
""",
}
LIST: Final = {
    "dynamic-plugins.yaml": """
plugins:
- package: oci://example.com/mine:1!mine
  disabled: false
  dependencies: [{ref: needed}]
  pluginConfig: {mine: true}
"""
}
URL: Final = {
    "app-config.yaml": "{app: {baseUrl: https://a.test}, backend: {auth: none}}"
}
INGRESS: Final = {"ingress": {"host": "portal.example.test"}}
SECRET_OF_USER: Final = {"secrets": [{"name": "users"}]}

SOURCES: Final[dict[str, tuple[Document, Key, Document]]] = {
    "raw": ({"rawRuntimeConfig": {"backstageConfig": "users"}}, USERS, RAW),
    "raw database": ({"rawRuntimeConfig": {"localDbConfig": "users"}}, USERS, RAW),
    "plugins": (
        {"application": {"dynamicPluginsConfigMapName": "users"}},
        USERS,
        LIST,
    ),
    "app-config": (
        {"application": {"appConfig": {"configMaps": [{"name": "users"}]}, **INGRESS}},
        USERS,
        URL,
    ),
    "variables": (
        {"application": {"extraEnvs": SECRET_OF_USER}},
        SECRET,
        {"BACKEND_SECRET": "bWluZQ=="},
    ),
    "files": ({"application": {"extraFiles": SECRET_OF_USER}}, SECRET, {"a": "Yg=="}),
}


@pytest.fixture(params=["", "example.com/installer:1"], ids=["own list", "installer"])
def stage(
    server: ApiServer, client: kube.Client, request: pytest.FixtureRequest
) -> Stage:
    """An instance on a configuration with a plugin's needs, with either installer."""
    shipped = config.DefaultConfig.shipped("rhdh")
    needed = "{apiVersion: v1, kind: ConfigMap, metadata: {name: needed}}"
    app_config = shipped.files["app-config.yaml"].replace(
        "    backend:\n", "    backend:\n      auth: ${BACKEND_SECRET}\n"
    )
    default = msgspec.structs.replace(
        shipped,
        files={**shipped.files, "app-config.yaml": app_config},
        plugin_dependencies={"needed.yaml": needed},
    )
    environment = Environment(
        default=default,
        platform=resources.Platform(),
        images=resources.Images(plugin_installer=request.param),
    )
    return Stage(server, client, reconciler=Reconciler(client, environment))


def _put(stage: Stage, source: str) -> Key:
    """Store the object of a user and the resource that names it; return the former."""
    spec, key, data = SOURCES[source]
    kind = "Secret" if key.plural == "secrets" else "ConfigMap"
    stage.server.put(key, {"apiVersion": "v1", "kind": kind, "data": data})
    stage.resource(spec)
    return key


def _deny(server: ApiServer, key: Key) -> None:
    """Answer that one object must not be read."""
    forbidden = status(403, "Forbidden", "no right to get it")

    async def answer(request: Request) -> httpx2.Response:
        if request.key == key:
            return await forbidden(request)
        return server.serve(request)

    server.answer("get", *[answer] * 1000)


def _without_status(items: list[tuple[Key, Document]]) -> dict[Key, Any]:
    return {
        key: {name: value for name, value in item.items() if name != "status"}
        for key, item in items
        if key.plural != "backstages"
    }


def _made(server: ApiServer) -> set[Key]:
    return {key for key, _ in server.items()}


@pytest.mark.parametrize("source", SOURCES)
async def test_what_runs_is_left_as_it_is_while_a_source_must_not_be_read(
    stage: Stage, source: str
) -> None:
    key = _put(stage, source)
    await stage.reconcile()
    stage.finish_rollout(DATABASE)
    await stage.reconcile()
    stage.finish_rollout()
    settled = await stage.reconcile()
    before = stage.server.items()
    _deny(stage.server, key)

    result = await stage.reconcile()

    assert conditions(settled)["Deployed"] == ("True", "Deployed")
    assert _without_status(stage.server.items()) == _without_status(before)
    assert conditions(result)["Config"] == ("False", "Forbidden")
    assert conditions(result)["Deployed"] == ("False", "DeployFailed")
    assert conditions(result)["Runtime"] == ("True", "Running")
    assert result.backstage.status.url == settled.backstage.status.url
    assert result.faults == ()
    assert result.retry is Retry.LATER


@pytest.mark.parametrize("source", ["raw", "raw database"])
async def test_nothing_is_made_while_the_configuration_must_not_be_read(
    stage: Stage, source: str
) -> None:
    _deny(stage.server, _put(stage, source))
    before = _made(stage.server)

    result = await stage.reconcile()

    assert _made(stage.server) == before
    assert result.report is None
    assert conditions(result)["Config"] == ("False", "Forbidden")
    assert conditions(result)["Runtime"] == ("Unknown", "NotDeployed")


async def test_only_a_configuration_that_can_be_read_is_said_to_be_wrong(
    stage: Stage,
) -> None:
    _deny(stage.server, _put(stage, "raw"))
    # Whether there is such a container is for the configuration to say.
    files = {"pvcs": [{"name": "gone", "containers": ["sidecar"]}]}
    stage.resource({**SOURCES["raw"][0], "application": {"extraFiles": files}})

    result = await stage.reconcile()

    assert result.faults == ()
    (message,) = (
        c.message for c in result.backstage.status.conditions if c.type == "Config"
    )
    assert message == (
        "get ConfigMap ns/users: 403 no right to get it; "
        "give the operator the right to get it, or remove the reference"
    )


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("plugins", {PLUGINS, PLUGIN_CONFIG, NEEDED, APP_CONFIG, BACKEND_SECRET}),
        ("app-config", {APP_CONFIG, BACKEND_SECRET}),
        ("variables", {APP_CONFIG, BACKEND_SECRET}),
        ("files", {APP_CONFIG, BACKEND_SECRET}),
    ],
)
async def test_what_a_source_decides_about_is_not_made_up_and_the_rest_is_made(
    stage: Stage, source: str, left: set[Key]
) -> None:
    _deny(stage.server, _put(stage, source))

    await stage.reconcile()

    made = _made(stage.server)
    assert made & left == set()
    assert made >= {SERVICE, DATABASE}


async def test_what_is_no_longer_wanted_stays_while_a_source_must_not_be_read(
    stage: Stage,
) -> None:
    key = _put(stage, "raw")
    await stage.reconcile()
    _deny(stage.server, key)
    stage.resource({**SOURCES["raw"][0], **WITHOUT_DATABASE})
    before = _made(stage.server)

    await stage.reconcile()

    assert _made(stage.server) == before
