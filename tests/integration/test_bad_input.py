"""What a user gets wrong: said at once, in a condition, without a hot loop."""

import base64
from typing import Any

import pytest

from backstage_op import kube

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

WITH_APP_CONFIG = {"application": {"appConfig": {"configMaps": [{"name": "config"}]}}}
A_FEW = 10
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: cache}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: %s}}
"""


def _looks(scene: Scene, name: str) -> int:
    """Return how often a ConfigMap was read: each reconcile reads it once.

    Other than the number of all reconciles, it tells nothing of other namespaces.
    """
    found = [(e.verb, e.resource, e.name) for e in scene.events()]
    return found.count(("get", "configmaps", name))


def test_a_missing_config_map_is_waited_for_without_a_loop(scene: Scene) -> None:
    scene.backstage(WITH_APP_CONFIG)

    message = scene.wait_condition("Config", "False", "ReferencedObjectNotFound")

    assert 'ConfigMap "config"' in message
    assert "spec.application.appConfig.configMaps[0]" in message
    assert set(scene.written()) == {"backstages/status"}

    # As long as another portal takes, this one is left alone.
    scene.backstage(name="other")
    scene.wait_deployed("other")

    assert 1 <= _looks(scene, "config") <= A_FEW
    ours = [e for e in scene.writes() if (e.name, e.subresource) == ("my", "status")]
    assert len(ours) == 1

    scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
    scene.wait_deployed()
    assert scene.conditions()["Config"]["status"] == "True"


def test_a_secret_that_goes_missing_is_said_and_the_portal_left_alone(
    scene: Scene,
) -> None:
    scene.apply("v1", "Secret", "token", stringData={"TOKEN": "hidden"})
    scene.backstage({"application": {"extraEnvs": {"secrets": [{"name": "token"}]}}})
    scene.wait_deployed()
    deployment = scene.get(kube.DEPLOYMENT, "backstage-my")

    scene.delete(kube.SECRET, "token")

    message = scene.wait_condition("Config", "False", "ReferencedObjectNotFound")
    assert 'Secret "token"' in message
    after = scene.get(kube.DEPLOYMENT, "backstage-my")
    assert after["metadata"]["generation"] == deployment["metadata"]["generation"]


def _application(**fields: Any) -> dict[str, Any]:
    return {"application": fields}


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        pytest.param(
            _application(appConfig={"configMaps": [{"name": "there", "key": "no"}]}),
            "ReferencedKeyNotFound",
            ["spec.application.appConfig.configMaps[0]", '"there"', 'key "no"'],
            id="missing key",
        ),
        pytest.param(
            _application(
                extraEnvs={
                    "envs": [{"name": "A", "value": "b", "containers": ["nobody"]}]
                }
            ),
            "UnknownContainer",
            ["spec.application.extraEnvs.envs[0]", "nobody", "backstage-backend"],
            id="unknown container",
        ),
        pytest.param(
            {"rawRuntimeConfig": {"backstageConfig": "malformed"}},
            "InvalidRawConfig",
            ["malformed", "deployment.yaml", "line"],
            id="raw configuration that is not YAML",
        ),
        pytest.param(
            {"rawRuntimeConfig": {"backstageConfig": "wrong-kind"}},
            "InvalidRawConfig",
            ["wrong-kind", "service.yaml", "Service", "Secret"],
            id="raw configuration of another kind",
        ),
        pytest.param(
            {"rawRuntimeConfig": {"backstageConfig": "misspelled"}},
            "UnknownKey",
            ["misspelled", "servcie.yaml", "service.yaml"],
            id="raw configuration under a misspelled key",
        ),
        pytest.param(
            {"flavours": [{"name": "nobody-knows"}]},
            "InvalidSpec",
            ["nobody-knows"],
            id="unknown flavour",
        ),
        pytest.param(
            _application(
                appConfig={"configMaps": [{"name": "no-1"}]},
                extraFiles={"secrets": [{"name": "no-2", "key": "a"}]},
            ),
            "ReferencedObjectNotFound",
            ['"no-1"', '"no-2"'],
            id="two faults at once",
        ),
    ],
)
def test_a_fault_is_named_with_its_place_and_nothing_is_applied(
    scene: Scene, spec: dict[str, Any], reason: str, words: list[str]
) -> None:
    scene.config_map("there", {"app-config.yaml": "app: {}"})
    scene.config_map("malformed", {"deployment.yaml": "a: [1\nb: 2"})
    scene.config_map("misspelled", {"servcie.yaml": "kind: Service"})
    scene.config_map("wrong-kind", {"service.yaml": "apiVersion: v1\nkind: Secret\n"})

    scene.backstage(spec)

    message = scene.wait_condition("Config", "False", reason)
    assert [word for word in words if word not in message] == [], message
    assert scene.conditions()["Deployed"]["reason"] == "DeployFailed"
    assert set(scene.written()) == {"backstages/status"}


def test_what_the_api_server_refuses_is_said_with_its_words(scene: Scene) -> None:
    scene.config_map(
        "raw",
        {
            "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
            "spec: {ports: [{port: 99999999}]}\n"
        },
    )

    scene.backstage({"rawRuntimeConfig": {"backstageConfig": "raw"}})

    message = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert "spec.ports[0].port" in message
    wait_until(
        lambda: scene.find(kube.DEPLOYMENT, "backstage-my") is not None,
        "one refused object holds up everything",
    )


def test_a_change_that_is_not_possible_is_said_and_the_portal_goes_on(
    scene: Scene, operator: OperatorProcess
) -> None:
    scene.config_map("raw", {"pvcs.yaml": CLAIM % "2Gi"})
    scene.backstage({"rawRuntimeConfig": {"backstageConfig": "raw"}})
    scene.wait_deployed()
    before = scene.get(kube.DEPLOYMENT, "backstage-my")

    scene.config_map("raw", {"pvcs.yaml": CLAIM % "1Gi"})

    message = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert "backstage-pvcs-my-cache" in message
    # The log is written after the status.
    wait_until(lambda: "pvcs/cache failed" in operator.log, lambda: operator.log)
    assert scene.get(kube.DEPLOYMENT, "backstage-my")["spec"] == before["spec"]
    looks = _looks(scene, "raw")
    scene.config_map("raw", {"pvcs.yaml": CLAIM % "2Gi"})
    scene.wait_deployed()
    assert 1 <= _looks(scene, "raw") - looks <= A_FEW


def test_a_secret_is_in_no_message_and_in_no_log(
    scene: Scene, operator: OperatorProcess
) -> None:
    scene.apply("v1", "Secret", "token", stringData={"TOKEN": "do-not-tell"})
    envs = {"secrets": [{"name": "token", "key": "OTHER"}]}
    scene.backstage(_application(extraEnvs=envs))
    scene.wait_condition("Config", "False", "ReferencedKeyNotFound")

    scene.backstage(_application(extraEnvs={"secrets": [{"name": "token"}]}))
    scene.wait_deployed()

    secret = scene.get(kube.SECRET, "backstage-psql-secret-my")
    password = base64.b64decode(secret["data"]["POSTGRES_PASSWORD"]).decode()
    said = operator.log + str(scene.get(kube.BACKSTAGE, "my"))
    assert "do-not-tell" not in said
    assert password not in said
