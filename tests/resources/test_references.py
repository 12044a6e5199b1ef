from __future__ import annotations

from backstage_op import resources

from .builders import inputs

_FILES = {"configMaps": [{"name": "files"}], "secrets": [{"name": "s", "key": "k"}]}


def test_every_object_that_a_specification_names_is_read_once() -> None:
    backstage = inputs(
        {
            "application": {
                "appConfig": {"configMaps": [{"name": "config"}, {"name": "config"}]},
                "dynamicPluginsConfigMapName": "plugins",
                "extraFiles": _FILES | {"pvcs": [{"name": "c"}, {"name": "c"}]},
                "extraEnvs": {
                    "configMaps": [{"name": "files"}],
                    "secrets": [{"name": "files"}],
                },
            },
            "database": {"authSecretName": "pg"},
            "rawRuntimeConfig": {"backstageConfig": "raw", "localDbConfig": "raw-db"},
        }
    ).backstage

    references = resources.references_of(backstage)

    assert sorted((s.kind, s.name) for s in references.sources) == [
        ("ConfigMap", "config"),
        ("ConfigMap", "files"),
        ("ConfigMap", "plugins"),
        ("ConfigMap", "raw"),
        ("ConfigMap", "raw-db"),
        ("Secret", "files"),
        ("Secret", "pg"),
        ("Secret", "s"),
    ]
    assert references.claims == ("c",)


def test_an_empty_specification_names_nothing() -> None:
    references = resources.references_of(inputs().backstage)

    assert references == resources.References(sources=(), claims=())
