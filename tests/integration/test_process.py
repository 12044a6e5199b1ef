"""The process: what it starts with, how it stops, what it cannot start with."""

import shutil
import subprocess
from pathlib import Path

import pytest

import backstage_op
from backstage_op import kube
from backstage_op.sandbox import Sandbox, load

from .conftest import StartOperator
from .process import OperatorProcess, clean_environment, run_command, wait_until
from .scene import Scene, operator_events, wait_for_rights

pytestmark = pytest.mark.controlplane

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_a_restart_writes_nothing(scene: Scene, start_operator: StartOperator) -> None:
    operator = start_operator()
    scene.backstage()
    scene.wait_deployed()
    operator.stop()
    since = scene.mark()

    operator = start_operator()

    wait_until(lambda: operator.reconciles() > 0, "no reconcile")
    operator.stop()
    assert scene.writes(since) == []
    assert any(event.verb == "list" for event in operator_events(scene.sandbox, since))


def test_what_changed_while_no_operator_ran_is_caught_up_with(
    scene: Scene, start_operator: StartOperator
) -> None:
    config = {"appConfig": {"configMaps": [{"name": "config"}]}}
    scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
    scene.backstage({"application": config})
    operator = start_operator()
    scene.wait_deployed()
    operator.stop()
    before = scene.get(kube.DEPLOYMENT, "backstage-my")["metadata"]["generation"]
    scene.config_map("config", {"app-config.yaml": "app: {title: B}"})
    scene.delete(kube.SERVICE, "backstage-my")

    start_operator()

    def is_caught_up() -> bool:
        live = scene.get(kube.DEPLOYMENT, "backstage-my")
        has_service = scene.find(kube.SERVICE, "backstage-my") is not None
        return has_service and live["metadata"]["generation"] == before + 1

    wait_until(is_caught_up, "what changed meanwhile is not noticed")


def test_an_operator_that_is_killed_at_work_is_continued_by_the_next(
    scene: Scene, start_operator: StartOperator
) -> None:
    operator = start_operator()
    scene.backstage()
    wait_until(lambda: bool(scene.writes()), "nothing is written")
    operator.kill()

    start_operator()
    scene.wait_deployed()

    names = {(e.resource, e.name) for e in scene.writes() if e.verb == "patch"}
    assert ("deployments", "backstage-my") in names
    # The password that the first one made is the one that stays.
    made = [e for e in scene.writes() if (e.resource, e.verb) == ("secrets", "create")]
    assert len(made) <= 3


def test_an_api_server_that_is_away_is_waited_for_until_sigterm(
    tmp_path: Path, operator_kubeconfig: Path, sandbox: Sandbox
) -> None:
    path = tmp_path / "kubeconfig"
    text = operator_kubeconfig.read_text()
    assert sandbox.url in text
    path.write_text(text.replace(sandbox.url, "https://127.0.0.1:1"))
    operator = OperatorProcess(path, tmp_path / "operator.log")
    try:
        wait_until(lambda: operator.probe("healthz") == 200, "not alive")
        assert operator.probe("readyz") == 503
        operator.stop()
    finally:
        operator.kill()
    assert "Traceback" not in operator.log
    assert "SIGTERM: stopping" in operator.log.splitlines()[-1]


def test_nothing_is_requested_beyond_the_rights_that_are_deployed(
    sandbox: Sandbox, start_operator: StartOperator
) -> None:
    since = sandbox.audit_offset()

    start_operator("--namespace=").stop()

    # Namespaces of other tests may still be on their way out.
    events = [e for e in operator_events(sandbox, since) if not e.namespace]
    # What nobody serves here is asked for all the same, and that is no fault.
    optional = {kind.plural for kind in kube.OWNED if kind.optional}
    assert {e.code for e in events if e.resource not in optional} <= {200, 0}
    assert {e.resource for e in events} >= {kind.plural for kind in kube.OWNED}


@pytest.mark.parametrize(
    ("file", "text_and_words"),
    [
        ("service.yaml", ("apiVersion: v1\nkind: Secret\n", ["Secret", "Service"])),
        ("deployment.yaml", ("kind: [Deployment\n", ["line"])),
    ],
    ids=["another kind", "not YAML"],
)
def test_a_bad_default_configuration_is_named_in_the_condition(
    scene: Scene,
    start_operator: StartOperator,
    tmp_path: Path,
    file: str,
    text_and_words: tuple[str, list[str]],
) -> None:
    text, words = text_and_words
    shipped = Path(backstage_op.__file__).parent / "default" / "backstage.io"
    folder = tmp_path / "config"
    shutil.copytree(shipped, folder)
    (folder / "default-config" / file).write_text(text)
    start_operator(f"--default-config={folder}")

    scene.backstage()

    wait_until(lambda: "Config" in scene.conditions(), "no condition")
    config = scene.conditions()["Config"]
    assert config["status"] == "False"
    assert file in config["message"]
    assert [word for word in words if word not in config["message"]] == []
    assert set(scene.written()) == {"backstages/status"}


READ = ["get", "list", "watch"]


@pytest.mark.parametrize(
    ("kind", "verbs"),
    [(kube.SERVICE, READ), (kube.SERVICE, []), (kube.DEPLOYMENT, [])],
    ids=["read Services", "no Services", "no Deployments"],
)
def test_a_right_that_is_missing_is_named_and_the_rest_is_applied(
    sandbox: Sandbox,
    namespace: str,
    start_operator: StartOperator,
    kind: kube.ResourceKind,
    verbs: list[str],
) -> None:
    kubeconfig = _account_limited_in(kind.plural, verbs, sandbox, namespace)
    start_operator(f"--namespace={namespace}", kubeconfig=kubeconfig)
    scene = Scene(sandbox, namespace)

    scene.backstage()

    message = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert kind.plural in message
    assert scene.find(kind, "backstage-my") is None
    wait_until(
        lambda: (
            scene.find(kube.CONFIG_MAP, "backstage-appconfig-my-default") is not None
        ),
        "the app-config was not applied",
    )


def test_the_right_to_create_secrets_is_missed_by_name_and_the_rest_is_applied(
    sandbox: Sandbox, namespace: str, start_operator: StartOperator
) -> None:
    kubeconfig = _account_limited_in("secrets", READ, sandbox, namespace)
    start_operator(f"--namespace={namespace}", kubeconfig=kubeconfig)
    scene = Scene(sandbox, namespace)

    scene.backstage()

    message = scene.wait_condition("Config", "False", "Forbidden")
    assert "create" in message
    assert "backstage-psql-secret-my" in message
    assert scene.names(kube.SECRET) == []
    assert scene.find(kube.SERVICE, "backstage-my") is not None


def test_the_right_to_read_secrets_is_missed_by_name_and_nothing_is_made_up(
    sandbox: Sandbox, namespace: str, start_operator: StartOperator
) -> None:
    kubeconfig = _account_limited_in("secrets", ["create"], sandbox, namespace)
    start_operator(f"--namespace={namespace}", kubeconfig=kubeconfig)
    scene = Scene(sandbox, namespace)

    scene.backstage()

    message = scene.wait_condition("Config", "False", "Forbidden")
    for name in ("backstage-psql-secret-my", "backstage-checksum-key-my"):
        assert f"get Secret {namespace}/{name}" in message
    # A password that cannot be read may be there: none is invented.
    assert scene.names(kube.SECRET) == []
    assert scene.names(kube.STATEFUL_SET) == scene.names(kube.DEPLOYMENT) == []
    assert scene.find(kube.SERVICE, "backstage-my") is not None
    assert scene.find(kube.CONFIG_MAP, "backstage-appconfig-my-default") is not None


def _account_limited_in(
    resource: str, verbs: list[str], sandbox: Sandbox, namespace: str
) -> Path:
    """Return the kubeconfig of an account with these verbs only for a resource."""
    account, role, binding = load(DEPLOY / "rbac.yaml")
    name = f"limited-{namespace}"
    for document in (account, role, binding):
        document["metadata"]["name"] = name
    account["metadata"]["namespace"] = namespace
    for rule in [r for r in role["rules"] if resource in r["resources"]]:
        rule["resources"].remove(resource)
        if verbs:
            role["rules"].append({**rule, "resources": [resource], "verbs": verbs})
    binding["roleRef"]["name"] = name
    binding["subjects"] = [
        {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    ]
    sandbox.apply([account, role, binding])
    wait_for_rights(sandbox, (namespace, name))
    return sandbox.service_account_kubeconfig(namespace, name)


@pytest.mark.parametrize("text", [None, "", "a: [", "kind: Config\n"])
def test_a_kubeconfig_that_cannot_be_used_ends_with_one_line_and_code_2(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)

    done = _run(f"--kubeconfig={path}")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(path) in line


def test_no_kubeconfig_at_all_ends_with_one_line_and_code_2(tmp_path: Path) -> None:
    done = _run(home=tmp_path)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "kubeconfig" in line.lower()


@pytest.mark.parametrize(
    "flag",
    [
        "--health-probe-bind-address=nonsense",
        "--metrics-bind-address=nonsense",
        "--default-config=/does/not/exist",
    ],
)
def test_a_flag_that_cannot_be_used_ends_with_one_line_and_code_2(flag: str) -> None:
    done = _run(flag)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def _run(
    *flags: str, home: Path = Path("/nonexistent")
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        run_command("run", *flags),
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(HOME=str(home)),
    )
