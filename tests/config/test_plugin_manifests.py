"""The manifests of what plugins need: which files, and what is filled in."""

from __future__ import annotations

import pytest

from backstage_op import errors
from backstage_op.config import plugin_manifests

VALUES = {"backstage-name": "my", "backstage-ns": "team"}
FILE = "argocd.yaml"


@pytest.mark.parametrize(
    ("ref", "names"),
    [
        ("argocd", ("argocd-rbac.yml", "argocd.yaml")),
        ("argocd-rbac", ("argocd-rbac.yml",)),
        ("argo", ()),
        ("argocd.yaml", ()),
        ("", ()),
        ("../argocd", ()),
    ],
)
def test_a_reference_means_files_of_its_name_or_with_more_after_a_dash(
    ref: str, names: tuple[str, ...]
) -> None:
    files = ["argocd.yaml", "argocdapps.yaml", "argocd-rbac.yml", "argocd-x.txt"]

    assert plugin_manifests.names_of(ref, files) == names


def test_placeholders_are_filled_in_and_other_braces_left_alone() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: {{backstage-name}}-x, namespace: '{{ backstage-ns }}'}\n"
        "data: {a: '{{inherit}} $(params.x) {{ .Values.y }}'}\n"
        "---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"
    )

    assert plugin_manifests.load(text, FILE, VALUES, source="folder") == (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "my-x", "namespace": "team"},
            "data": {"a": "{{inherit}} $(params.x) {{ .Values.y }}"},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: '{{backstage-db-host}}{{backstage-x}}{{backstage-name}}'",
            (
                "placeholder backstage-db-host, backstage-x stands for nothing here; "
                "use backstage-name, backstage-ns"
            ),
        ),
        ("a: [", "line 1, column 5: "),
        ("kind: A", "object 1: apiVersion is missing; add it"),
        ("apiVersion: v1", "object 1: kind is missing; add it"),
        (
            "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: A\nmetadata: 1",
            "object 1: metadata.name is missing; add it",
        ),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: [b]}",
            (
                "object 1: metadata.namespace: expected a text, found a list; "
                "correct the manifest"
            ),
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: [b]",
            "object 1: data: expected an object, found a list; correct the manifest",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, message: str) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        plugin_manifests.load(text, FILE, VALUES, source="folder")

    assert caught.value.message.startswith(f"folder, key plugin-deps/{FILE}: {message}")
