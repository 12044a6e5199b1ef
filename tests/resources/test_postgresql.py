import pytest

from backstage_op.resources.postgresql import major_of


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("quay.io/fedora/postgresql-15:latest", 15),
        ("registry.redhat.io/rhel9/postgresql-16@sha256:0123", 16),
        ("registry.redhat.io/rhel9/postgresql-16:9.5", 16),
        ("postgres:15", 15),
        ("postgres:15.4-alpine", 15),
        ("example.test:5000/mirror/postgresql:v17.2", 17),
        ("quay.io/sclorg/postgresql-13-c9s:latest", 13),
        ("postgres:latest", None),
        ("postgres@sha256:15", None),
        ("example.test/database:15", None),
        ("postgres", None),
        ("", None),
    ],
)
def test_the_major_version_that_an_image_tells(image: str, major: int | None) -> None:
    assert major_of(image) == major
