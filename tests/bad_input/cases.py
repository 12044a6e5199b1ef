"""Inputs that are wrong, or look so, and what a user is told: one entry each.

Numbers are those of the catalog of bad inputs that the project was tested against
from its beginning; what the schema refuses is in ``tests/api``, and what only a
server can judge in ``tests/integration``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backstage_op import resources
from backstage_op.document import Document

_RAW: Final = "raw"
_EMPTY_MAP: Final[Document] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "any"},
}
_BACKEND: Final[Document] = {"name": "backstage-backend", "image": "b"}


class BadInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input. Without ``reason`` it must work.

    Attributes:
        name: Number and a few words.
        given: What :func:`tests.resources.builders.inputs` takes.
        reason: Of the condition ``Config``.
        message: Of the condition ``Config``.
    """

    name: str
    given: Mapping[str, Any]
    reason: str = ""
    message: str = ""


def _raw(key: str, text: str) -> dict[str, Any]:
    return {
        "spec": {"rawRuntimeConfig": {"backstageConfig": _RAW}},
        "config_maps": {_RAW: {key: text}},
    }


def _workload(pod: Document, **metadata: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "any"},
            "spec": {"template": {"metadata": metadata, "spec": pod}},
        }
    )


def _application(**fields: Any) -> dict[str, Any]:
    return {"spec": {"application": fields}}


def _patched(**pod: Any) -> dict[str, Any]:
    return {"spec": {"deployment": {"patch": {"spec": {"template": {"spec": pod}}}}}}


def _service(**metadata: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "any", **metadata},
            "spec": {"ports": [{"port": 80}]},
        }
    )


_KEYS: Final = (
    "app-config.yaml, configmap-envs.yaml, configmap-files.yaml, db-secret.yaml, "
    "db-service.yaml, db-statefulset.yaml, deployment.yaml, dynamic-plugins.yaml, "
    "httproute.yaml, ingress.yaml, networkpolicy.yaml, pvcs.yaml, route.yaml, "
    "secret-envs.yaml, secret-files.yaml, service.yaml"
)
_INVALID: Final = "InvalidRawConfig"

RAW: Final = (
    BadInput(
        name="B1 malformed YAML",
        given=_raw("service.yaml", "kind: Service\n  bad: [1\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: line 2, column 6: mapping values '
        "are not allowed here",
    ),
    BadInput(
        name="B2 a byte order mark and CRLF",
        given=_raw(
            "service.yaml",
            "\ufeffapiVersion: v1\r\nkind: Service\r\nmetadata: {name: a}\r\n"
            "spec: {ports: [{port: 80}]}\r\n",
        ),
    ),
    BadInput(
        name="B2 tabs",
        given=_raw("service.yaml", "kind: Service\nmetadata:\n\tname: a\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: line 3, column 1: found character '
        "'\\t' that cannot start any token",
    ),
    BadInput(
        name="B3 only comments",
        given=_raw("service.yaml", "# nothing\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: holds no object; write a manifest '
        "or remove the key",
    ),
    BadInput(
        name="B4 two documents where one is expected",
        given=_raw("service.yaml", f"{_service()}\n---\n{_service()}"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: expected one object, found 2; '
        "remove the others",
    ),
    BadInput(
        name="B5 another kind",
        given=_raw("deployment.yaml", _service()),
        reason=_INVALID,
        message='ConfigMap "raw", key deployment.yaml: expected Deployment, found '
        "Service; correct the manifest or its key",
    ),
    BadInput(
        name="B6 another apiVersion",
        given=_raw("deployment.yaml", "apiVersion: extensions/v1\nkind: Deployment\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key deployment.yaml: expected Deployment of '
        "apiVersion apps/v1, found extensions/v1; correct the manifest or its key",
    ),
    BadInput(
        name="B7 a key with a typo",
        given=_raw("deploymnt.yaml", _workload({"containers": [_BACKEND]})),
        reason="UnknownKey",
        message='ConfigMap "raw", key deploymnt.yaml: no object is made from it; did '
        f'you mean "deployment.yaml"? the keys are {_KEYS}',
    ),
    BadInput(
        name="B9 a duplicate key",
        given=_raw("service.yaml", "apiVersion: v1\nkind: Service\nkind: Service\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: line 3, column 1: duplicate key '
        '"kind"; keep one',
    ),
    BadInput(
        name="B10 aliases, of which bombs are made",
        given=_raw("service.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: line 2, column 8: aliases are not '
        "accepted; write the value out",
    ),
    BadInput(
        name="B11 a tag of a programming language",
        given=_raw("service.yaml", "kind: !!python/object:os.system Service\n"),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: line 1, column 7: the tag '
        "tag:yaml.org,2002:python/object:os.system is not accepted; remove it",
    ),
    BadInput(
        name="B12 a name and the namespace of its own",
        given=_raw("service.yaml", _service(namespace="team")),
    ),
    BadInput(
        name="B14 no containers",
        given=_raw("deployment.yaml", _workload({"containers": []})),
        reason=_INVALID,
        message='ConfigMap "raw", key deployment.yaml: spec.template.spec.containers: '
        "empty; add a container",
    ),
    BadInput(
        name="B15 larger than 1 MiB",
        given=_raw("service.yaml", _service(annotations={"a": "x" * (1 << 20)})),
        reason=_INVALID,
        message='ConfigMap "raw", key service.yaml: larger than 1048576 bytes; '
        "split it",
    ),
    BadInput(
        name="B14 no manifest of the Service in any layer",
        given={"files": {"service.yaml": None}},
        reason=_INVALID,
        message="test, key service.yaml: missing; add the manifest of the portal's "
        "Service",
    ),
    BadInput(
        name="B17 a boolean where a program reads text",
        given=_raw(
            "deployment.yaml",
            _workload({"containers": [{**_BACKEND, "args": ["--debug", True]}]}),
        ),
        reason=_INVALID,
        message='ConfigMap "raw", key deployment.yaml: '
        "spec.template.spec.containers[0].args[1]: expected a text, found true or "
        "false; correct the manifest",
    ),
    BadInput(
        name="B18 the raw ConfigMap is missing",
        given={"spec": {"rawRuntimeConfig": {"backstageConfig": _RAW}}},
        reason="ReferencedObjectNotFound",
        message='spec.rawRuntimeConfig.backstageConfig: ConfigMap "raw" in namespace '
        '"team" not found; create it or remove the reference',
    ),
)

REFERENCES: Final = (
    BadInput(
        name="B19 the ConfigMap of an app-config is missing",
        given=_application(appConfig={"configMaps": [{"name": "a"}]}),
        reason="ReferencedObjectNotFound",
        message='spec.application.appConfig.configMaps[0]: ConfigMap "a" in namespace '
        '"team" not found; create it or remove the reference',
    ),
    BadInput(
        name="B20 a Secret is missing",
        given=_application(extraFiles={"secrets": [{"name": "a", "key": "k"}]}),
        reason="ReferencedObjectNotFound",
        message='spec.application.extraFiles.secrets[0]: Secret "a" in namespace '
        '"team" not found; create it or remove the reference',
    ),
    BadInput(
        name="B21 a claim is missing",
        given=_application(extraFiles={"pvcs": [{"name": "a"}]}),
        reason="ReferencedObjectNotFound",
        message='spec.application.extraFiles.pvcs[0]: PersistentVolumeClaim "a" in '
        'namespace "team" not found; create it or remove the reference',
    ),
    BadInput(
        name="B22 a key is missing",
        given={
            **_application(extraEnvs={"secrets": [{"name": "a", "key": "k"}]}),
            "secrets": {"a": {"other": "value"}},
        },
        reason="ReferencedKeyNotFound",
        message='spec.application.extraEnvs.secrets[0]: Secret "a" in namespace "team" '
        'has no key "k"; add the key or correct the field',
    ),
    BadInput(
        name="B25 an empty ConfigMap of files",
        given={
            **_application(extraFiles={"configMaps": [{"name": "a"}]}),
            "config_maps": {"a": {}},
        },
    ),
    BadInput(
        name="B25 an empty ConfigMap of an app-config",
        given={
            **_application(appConfig={"configMaps": [{"name": "a"}]}),
            "config_maps": {"a": {}},
        },
        reason="InvalidReference",
        message='spec.application.appConfig.configMaps[0]: ConfigMap "a" has 0 entries '
        "(none); name one of them in key, or leave one in it",
    ),
    BadInput(
        name="B26 an app-config of several entries without a key",
        given={
            **_application(appConfig={"configMaps": [{"name": "a"}]}),
            "config_maps": {"a": {"a.yaml": "", "b.yaml": ""}},
        },
        reason="InvalidReference",
        message='spec.application.appConfig.configMaps[0]: ConfigMap "a" has 2 entries '
        "(a.yaml, b.yaml); name one of them in key, or leave one in it",
    ),
    BadInput(
        name="B27 the same ConfigMap twice",
        given={
            **_application(extraFiles={"configMaps": [{"name": "a"}, {"name": "a"}]}),
            "config_maps": {"a": {"f": "x"}},
        },
    ),
    BadInput(
        name="B29 names that differ in a dot",
        given={
            **_application(
                extraFiles={"configMaps": [{"name": "a.b"}, {"name": "a-b"}]}
            ),
            "config_maps": {"a.b": {"f": "x"}, "a-b": {"g": "y"}},
        },
    ),
    BadInput(
        name="B30 a name of 253 characters",
        given={
            **_application(extraFiles={"configMaps": [{"name": "a" * 253}]}),
            "config_maps": {"a" * 253: {"f": "x"}},
        },
    ),
)

POD: Final = (
    BadInput(
        name="B40 an unknown container",
        given=_application(
            extraEnvs={"envs": [{"name": "A", "value": "b", "containers": ["nope"]}]}
        ),
        reason="UnknownContainer",
        message='spec.application.extraEnvs.envs[0]: container "nope" not found in the '
        "pod; use one of: backstage-backend, install-dynamic-plugins",
    ),
    BadInput(
        name="B42 two entries want one path",
        given={
            **_application(
                extraFiles={
                    "configMaps": [{"name": "a", "key": "f", "mountPath": "/m"}],
                    "secrets": [{"name": "s", "key": "f", "mountPath": "/m"}],
                }
            ),
            "config_maps": {"a": {"f": "x"}},
            "secrets": {"s": {"f": "x"}},
        },
        reason="ConflictingMounts",
        message='spec.application.extraFiles.secrets[0]: Secret "s" would be mounted '
        "at /m/f of container backstage-backend, where "
        'spec.application.extraFiles.configMaps[0] mounts ConfigMap "a"; use another '
        "path for one of them",
    ),
    BadInput(
        name="B44 a mount over the root",
        given={
            **_application(
                extraFiles={"configMaps": [{"name": "a", "mountPath": "/"}]}
            ),
            "config_maps": {"a": {"f": "x"}},
        },
        reason="ForbiddenMount",
        message="spec.application.extraFiles.configMaps[0]: / in container "
        "backstage-backend would hide the application in /opt/app-root/src; mount into "
        "a directory of its own",
    ),
    BadInput(
        name="B46 a variable twice",
        given=_application(
            extraEnvs={
                "envs": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
            }
        ),
    ),
    BadInput(
        name="B49 a patch removes the container",
        given=_patched(containers=[{"name": "backstage-backend", "$patch": "delete"}]),
        reason="InvalidPatch",
        message="spec.deployment.patch.spec.template.spec.containers: leaves no "
        'container "backstage-backend"; found none; keep it, and its name',
    ),
    BadInput(
        name="B50 a patch renames the container",
        given=_patched(
            containers=[{"$patch": "replace"}, {"name": "other", "image": "x"}]
        ),
        reason="InvalidPatch",
        message="spec.deployment.patch.spec.template.spec.containers: leaves no "
        'container "backstage-backend"; found other; keep it, and its name',
    ),
    BadInput(
        name="B52 a patch leaves the sandbox of the pod",
        given=_patched(hostNetwork=True),
        reason="ForbiddenPatch",
        message="spec.deployment.patch.spec.template.spec.hostNetwork: found true; "
        "remove it, or ask the administrator to set ALLOW_PRIVILEGED_PATCHES on the "
        "operator",
    ),
    BadInput(
        name="B53 a patch takes another ServiceAccount",
        given=_patched(serviceAccountName="root"),
        reason="ForbiddenPatch",
        message="spec.deployment.patch.spec.template.spec.serviceAccountName: found "
        "root; remove it, or ask the administrator to set ALLOW_PRIVILEGED_PATCHES on "
        "the operator",
    ),
    BadInput(
        name="B55 a quantity that is none",
        given=_patched(
            containers=[
                {**_BACKEND, "resources": {"limits": {"memory": "10Gigs"}}},
            ]
        ),
        reason="InvalidPatch",
        message="spec.deployment.patch.spec.template.spec.containers"
        "[name=backstage-backend].resources.limits: expected a quantity such as 500m "
        "or 1Gi; correct the manifest",
    ),
    BadInput(
        name="B56 negative replicas",
        given={"spec": {"deployment": {"patch": {"spec": {"replicas": -1}}}}},
        reason="InvalidPatch",
        message="spec.deployment.patch.spec.replicas: expected a whole number >= 0; "
        "correct the manifest",
    ),
)

_PLUGINS: Final = "spec.application.dynamicPlugins"
_LIST: Final = "dynamic-plugins.yaml"
_NAMED: Final = (
    'spec.application.dynamicPluginsConfigMapName: ConfigMap "p", '
    "key dynamic-plugins.yaml: "
)


def _listed(data: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_application(dynamicPluginsConfigMapName="p"),
        "config_maps": {"p": data},
    }


def _installed(*packages: str) -> dict[str, Any]:
    """Return plugins that the operator hands to an installer of packages."""
    return {
        **_application(dynamicPlugins=[{"package": package} for package in packages]),
        "images": resources.Images(plugin_installer="installer:1"),
    }


PLUGINS: Final = (
    BadInput(
        name="B37 list of plugins without its key",
        given=_listed({"plugins.yaml": "plugins: []"}),
        reason="InvalidDynamicPlugins",
        message=f"{_NAMED}the key is missing; add it",
    ),
    BadInput(
        name="B37 plugins that are no list, and faults of several entries",
        given=_listed({_LIST: "plugins: [{package: ./a, disabled: maybe}, {a: b}]"})
        | {"files": {_LIST: {**_EMPTY_MAP, "data": {_LIST: "plugins: {a: b}"}}}},
        reason="InvalidDynamicPlugins",
        message="default configuration (test), key dynamic-plugins.yaml: plugins: "
        "expected a list, found an object; put a dash before each entry; "
        f'{_NAMED}plugins[0] "./a": disabled: expected true or false, found a text; '
        "write one of them, without quotes; "
        f"{_NAMED}plugins[1].package: missing; name the plugin's package",
    ),
    BadInput(
        name="B37 packages that the installer cannot take",
        given=_installed("ftp://x/a", "ref://none"),
        reason="InvalidDynamicPlugins",
        message=f'{_PLUGINS}[1] "ref://none": no plugin "none" in the layers below; '
        f'there is none; write the package; {_PLUGINS}[0] "ftp://x/a": package: '
        "expected one of oci://, https://, http:// or ref://NAME; correct it or "
        "disable the plugin",
    ),
    BadInput(
        name="B38 references to one another",
        given=_installed("ref://a", "oci://x/a:{{inherit}}"),
        reason="InvalidDynamicPlugins",
        message="; ".join(
            f'{_PLUGINS}[{number}] "{package}": no plugin "a" in the layers below; '
            "there is none; write the package"
            for number, package in enumerate(("ref://a", "oci://x/a:{{inherit}}"))
        ),
    ),
    BadInput(
        name="B38 references that the init container follows",
        given=_application(dynamicPlugins=[{"package": "ref://a"}]),
    ),
)

ALL: Final = (*RAW, *REFERENCES, *POD, *PLUGINS)
