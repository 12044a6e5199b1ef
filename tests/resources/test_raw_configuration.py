"""Raw configuration that cannot be used: what exactly a user reads of it."""

from __future__ import annotations

import json
import warnings
from typing import Any, Final

import msgspec
import pytest

from backstage_op import errors, resources
from backstage_op.document import Document

from .builders import SERVICE, composed, config_map, inputs, workload

_SPEC: Final = {"rawRuntimeConfig": {"backstageConfig": "raw"}}
_BOMB: Final = "\n".join(
    [
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)),
    ]
)


def _faults(key: str, text: str) -> list[tuple[type[errors.ConfigError], str, str]]:
    """Return class, reason and message of each fault of a raw manifest."""
    made = inputs(_SPEC, config_maps={"raw": {key: text}})
    found = resources.compose(made).faults
    prefix = f'ConfigMap "raw", key {key}: '
    return [
        (type(fault), fault.reason, fault.message.removeprefix(prefix))
        for fault in found
    ]


def _manifest(**metadata: Any) -> str:
    return json.dumps(workload() | {"metadata": {"name": "any"} | metadata})


def _backend(**fields: Any) -> str:
    backend = {"name": "backstage-backend", "image": "b", **fields}
    return json.dumps(workload(containers=[backend]))


_SERVICE: Final = json.dumps(SERVICE)
_POD: Final = "spec.template.spec"
_TEXT: Final = "expected a text, found {}; correct the manifest"


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        # malformed, and tabs
        (
            "deployment.yaml",
            "kind: Deployment\n  apiVersion: [\n",
            "line 2, column 13: mapping values are not allowed here",
        ),
        (
            "service.yaml",
            "kind: Service\nspec:\n\tports: []\n",
            "line 3, column 1: found character '\\t' that cannot start any token",
        ),
        # nothing in it
        *(
            (
                "service.yaml",
                text,
                "holds no object; write a manifest or remove the key",
            )
            for text in ("", "\n", "# a comment\n", "---\n---\n", "null\n")
        ),
        # too much in it
        (
            "service.yaml",
            f"{_SERVICE}\n---\n{_SERVICE}\n",
            "expected one object, found 2; remove the others",
        ),
        # another kind, another version
        (
            "deployment.yaml",
            _SERVICE,
            "expected Deployment, found Service; correct the manifest or its key",
        ),
        (
            "deployment.yaml",
            json.dumps(workload() | {"apiVersion": "apps/v1beta1"}),
            (
                "expected Deployment of apiVersion apps/v1, found apps/v1beta1; "
                "correct the manifest or its key"
            ),
        ),
        # duplicates, bombs, tags
        (
            "service.yaml",
            "kind: Service\nkind: Service\n",
            'line 2, column 1: duplicate key "kind"; keep one',
        ),
        (
            "app-config.yaml",
            _BOMB,
            "line 2, column 10: aliases are not accepted; write the value out",
        ),
        (
            "app-config.yaml",
            "kind: !!python/object:os.system x\n",
            (
                "line 1, column 7: the tag tag:yaml.org,2002:python/object:os.system "
                "is not accepted; remove it"
            ),
        ),
        # no containers
        (
            "deployment.yaml",
            json.dumps(workload(containers=[])),
            f"{_POD}.containers: empty; add a container",
        ),
        # a program wants a text where YAML reads a boolean or a number
        (
            "deployment.yaml",
            _backend(env=[{"name": "A", "value": True}]),
            f"{_POD}.containers[0].env[0].value: {_TEXT.format('true or false')}",
        ),
        (
            "deployment.yaml",
            _backend(args=["--port", 7007]),
            f"{_POD}.containers[0].args[1]: {_TEXT.format('a whole number')}",
        ),
        (
            "deployment.yaml",
            _backend(command=["sh", 0.5]),
            f"{_POD}.containers[0].command[1]: {_TEXT.format('a number')}",
        ),
        (
            "app-config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: on}\n",
            f"data[...]: {_TEXT.format('true or false')}",
        ),
        (
            "configmap-envs.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 0777}\n",
            f"data[...]: {_TEXT.format('a whole number')}",
        ),
        (
            "service.yaml",
            json.dumps(SERVICE | {"spec": {"selector": {"a": True}}}),
            f"spec.selector[...]: {_TEXT.format('true or false')}",
        ),
        (
            "deployment.yaml",
            json.dumps(workload(nodeSelector={"a": 1})),
            f"{_POD}.nodeSelector[...]: {_TEXT.format('a whole number')}",
        ),
        # what can be judged of a workload
        (
            "deployment.yaml",
            _backend(resources={"limits": {"memory": "10Gigs"}}),
            (
                f"{_POD}.containers[0].resources.limits[...]: expected a quantity "
                "such as 500m or 1Gi; correct the manifest"
            ),
        ),
        (
            "deployment.yaml",
            json.dumps(workload() | {"spec": workload()["spec"] | {"replicas": -1}}),
            "spec.replicas: expected a whole number >= 0; correct the manifest",
        ),
        (
            "deployment.yaml",
            _backend(image="two words"),
            (
                f"{_POD}.containers[0].image: expected an image such as "
                "registry.example.com/name:tag; correct the manifest"
            ),
        ),
        # without bounds
        (
            "deployment.yaml",
            '{"a":' * 1100 + "1" + "}" * 1100,
            "line 1, column 317: nested deeper than 64 levels; flatten it",
        ),
        (
            "deployment.yaml",
            "[" * 1100 + "]" * 1100,
            "line 1, column 65: nested deeper than 64 levels; flatten it",
        ),
        (
            "deployment.yaml",
            "- " * 1100 + "x",
            "line 1, column 129: nested deeper than 64 levels; flatten it",
        ),
        (
            "app-config.yaml",
            "x" * (1 << 20) + "y",
            "larger than 1048576 bytes; split it",
        ),
        (
            "app-config.yaml",
            'data: {a: "\\ud800"}',
            "line 1, column 11: the value is no JSON text; correct it or quote it",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_place_and_remedy(
    key: str, text: str, message: str
) -> None:
    assert _faults(key, text) == [(errors.ManifestError, "InvalidRawConfig", message)]


def test_an_object_of_another_namespace_is_refused() -> None:
    assert _faults("deployment.yaml", _manifest(namespace="other")) == [
        (
            errors.CrossNamespaceError,
            "CrossNamespace",
            ('metadata.namespace: found "other", the resource is in "team"; remove it'),
        )
    ]


def test_one_of_several_objects_in_another_namespace_is_refused() -> None:
    several = [config_map("a"), config_map("b") | {"metadata": {"name": "b"}}]
    several[1]["metadata"]["namespace"] = "kube-system"
    text = "\n---\n".join(json.dumps(one) for one in several)

    (fault,) = _faults("app-config.yaml", text)

    assert fault[:2] == (errors.CrossNamespaceError, "CrossNamespace")


def test_the_name_and_the_namespace_of_the_instance_are_given() -> None:
    text = _manifest(name="mine", namespace="team")

    made = composed(_SPEC, config_maps={"raw": {"deployment.yaml": text}})

    assert made["deployment"] == composed()["deployment"]


def test_a_default_configuration_of_any_namespace_is_given_that_of_the_instance() -> (
    None
):
    manifest = workload() | {"metadata": {"name": "any", "namespace": "operator"}}

    assert composed(files={"deployment.yaml": manifest}) == composed()


def _labelled(selected: Document, labels: Document) -> str:
    manifest = workload()
    manifest["spec"]["selector"] = {"matchLabels": selected}
    manifest["spec"]["template"]["metadata"] = {"labels": labels}
    return json.dumps(manifest)


def test_a_selector_that_would_lose_the_pods_is_refused() -> None:
    text = _labelled({"tier": "web"}, {"tier": "front"})

    assert _faults("deployment.yaml", text) == [
        (
            errors.ImmutableFieldError,
            "ImmutableField",
            (
                "spec.selector.matchLabels[tier]: the pods have no such label; "
                "add it to spec.template.metadata.labels, or remove it"
            ),
        )
    ]


@pytest.mark.parametrize("value", ["", " backstage-my", " mine"])
def test_the_label_of_the_operator_is_its_own_whatever_a_manifest_says(
    value: str,
) -> None:
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: any
  labels: {{tier:}}
  annotations: {{note:}}
spec:
  selector:
    matchLabels:
      a: b
      rhdh.redhat.com/app:{value}
  template:
    metadata:
      labels:
        a: b
        rhdh.redhat.com/app:{value}
      annotations: {{note:}}
    spec:
      nodeSelector: {{disk:}}
      initContainers:
      - {{name: install-dynamic-plugins, image: i}}
      containers:
      - {{name: backstage-backend, image: b}}
"""

    made = composed(_SPEC, config_maps={"raw": {"deployment.yaml": text}})

    plain = composed()["deployment"]
    plain["metadata"] |= {"annotations": {}}
    plain["spec"]["template"]["spec"]["nodeSelector"] = {}
    assert made["deployment"] == plain


def test_byte_order_mark_crlf_and_anchors_are_accepted_in_silence() -> None:
    text = (
        "\ufeff# a comment\r\napiVersion: v1\r\nkind: Service\r\n"
        "metadata: {name: &x any}\r\n"
        "spec:\r\n  ports: [{name: &x http, port: 80}]\r\n"
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = composed(_SPEC, config_maps={"raw": {"service.yaml": text}})

    assert made["service"] == composed()["service"]


def test_bytes_that_are_no_text_are_refused() -> None:
    made = inputs(_SPEC, config_maps={"raw": {}})
    raw = resources.SourceData({"service.yaml": b"kind: \xff"})
    sources = {resources.Source("ConfigMap", "raw"): raw}

    (fault,) = resources.compose(_with(made, sources)).faults

    assert (type(fault), fault.reason, fault.message) == (
        errors.ManifestError,
        "InvalidRawConfig",
        'ConfigMap "raw", key service.yaml: not text in UTF-8; correct the entry',
    )


def _with(made: resources.Inputs, sources: Any) -> resources.Inputs:
    return msgspec.structs.replace(made, sources=sources)


def test_a_configuration_that_does_not_exist_is_named() -> None:
    (fault,) = resources.compose(inputs(_SPEC, config_maps={"raw": None})).faults

    assert (type(fault), fault.reason, fault.message) == (
        errors.MissingReferenceError,
        "ReferencedObjectNotFound",
        (
            'spec.rawRuntimeConfig.backstageConfig: ConfigMap "raw" in namespace '
            '"team" not found; create it or remove the reference'
        ),
    )


def test_all_faults_of_all_keys_are_told_at_once() -> None:
    made = inputs(
        _SPEC,
        config_maps={
            "raw": {"service.yaml": "", "deployment.yaml": "[", "deploymnt.yaml": ""}
        },
    )

    faults = resources.compose(made).faults

    assert sorted(fault.reason for fault in faults) == [
        "InvalidRawConfig",
        "InvalidRawConfig",
        "UnknownKey",
    ]
