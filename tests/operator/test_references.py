"""Which instance uses which object."""

from backstage_op import kube
from backstage_op.operator.references import ReferenceIndex

ONE, TWO = ("ns", "one"), ("ns", "two")
CONFIG = kube.CONFIG_MAP.ref("ns", "config")
TOKEN = kube.SECRET.ref("ns", "token")


def test_two_instances_may_share_an_object() -> None:
    index = ReferenceIndex()
    index.replace(ONE, [CONFIG])
    index.replace(TWO, [CONFIG, TOKEN])

    assert index.instances_of(CONFIG) == {ONE, TWO}
    assert index.instances_of(TOKEN) == {TWO}


def test_what_is_no_longer_named_is_dropped() -> None:
    index = ReferenceIndex()
    index.replace(ONE, [CONFIG, TOKEN])

    index.replace(ONE, [TOKEN])

    assert CONFIG not in index
    assert TOKEN in index
    assert index.instances_of(CONFIG) == frozenset()


def test_an_instance_that_is_gone_leaves_nothing() -> None:
    index = ReferenceIndex()
    index.replace(ONE, [CONFIG])
    index.replace(TWO, [CONFIG])

    index.forget(ONE)
    index.forget(ONE)

    assert index.instances_of(CONFIG) == {TWO}
    index.forget(TWO)
    assert CONFIG not in index


def test_the_same_name_elsewhere_or_of_another_kind_is_another_object() -> None:
    index = ReferenceIndex()
    index.replace(ONE, [CONFIG])

    assert kube.CONFIG_MAP.ref("other", "config") not in index
    assert kube.SECRET.ref("ns", "config") not in index
