"""The pods of all instances, as far as they tell what is wrong with them.

Pods are large and change often. Kept of each is a view of some hundred bytes,
and only a change of that view is news to the instance it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeAlias, TypeVar, final

import msgspec

from backstage_op import errors, kube, resources
from backstage_op.document import Document, ObjectRef

from .findings import Seen
from .live import Live
from .references import InstanceKey

Group: TypeAlias = tuple[str, str]
"""Namespace, and value of the label that a workload selects its pods by."""

View = TypeVar("View")

_POD: Final = msgspec.json.Decoder(resources.Pod)


@final
class _Views(Generic[View]):
    """Views of the objects that a watch shows, by the workload they belong to."""

    def __init__(
        self,
        view: Callable[[kube.Observed], View],
        on_change: Callable[[Group], None],
    ) -> None:
        self._view = view
        self._on_change = on_change
        self._groups: dict[Group, dict[str, View]] = {}
        self._homes: dict[tuple[str, str], Group] = {}

    def of(self, group: Group) -> Iterable[View]:
        """Return what belongs to a workload."""
        return tuple(self._groups.get(group, {}).values())

    def keeps(self, item: kube.Observed) -> bool:
        """Tell whether an object is of interest: it is a workload's."""
        return resources.APP_LABEL in item.labels

    def replace(
        self, items: Iterable[kube.Observed], version: int, namespace: str = ""
    ) -> None:
        """Take a whole list, of one namespace or of all: what is not in it is gone."""
        taken: dict[Group, dict[str, View]] = {}
        for item in items:
            taken.setdefault(_group_of(item), {})[item.ref.name] = self._view(item)
        old = {g: v for g, v in self._groups.items() if namespace in ("", g[0])}
        rest = {g: v for g, v in self._groups.items() if g not in old}
        self._groups = rest | taken
        self._homes = {
            (group[0], name): group
            for group, views in self._groups.items()
            for name in views
        }
        for group in sorted(old.keys() | taken.keys()):
            if old.get(group) != taken.get(group):
                self._on_change(group)

    def upsert(self, item: kube.Observed) -> None:
        """Take an object that was added or changed."""
        group, view = _group_of(item), self._view(item)
        place = (item.ref.namespace, item.ref.name)
        if self._homes.get(place) != group:
            # Somebody may have given it the label of another workload.
            self._take_out(place)
            self._homes[place] = group
        views = self._groups.setdefault(group, {})
        if views.get(item.ref.name) != view:
            views[item.ref.name] = view
            self._on_change(group)

    def remove(self, item: kube.Observed) -> None:
        """Drop an object that was deleted."""
        self._take_out((item.ref.namespace, item.ref.name))

    def _take_out(self, place: tuple[str, str]) -> None:
        group = self._homes.pop(place, None)
        if group is None:
            return
        views = self._groups[group]
        del views[place[1]]
        if not views:
            del self._groups[group]
        self._on_change(group)


@final
class PodBook:
    """What the watches of pods and of ReplicaSets have shown.

    ``on_change`` is told the instance whose pods differ; it may be set later,
    before the watches start.
    """

    def __init__(
        self, on_change: Callable[[InstanceKey], None] = lambda _: None
    ) -> None:
        self.on_change = on_change
        self.pods: Final = _Views(_pod, self._changed)
        self.replica_sets: Final = _Views(_replica_set, self._changed)
        self._instances: dict[Group, InstanceKey] = {}

    def follow(self, instance: resources.Instance) -> None:
        """Tell of changes from now on; before the pods are looked at."""
        key = (instance.namespace, instance.name)
        for label in resources.pod_labels(instance):
            self._instances[instance.namespace, label] = key

    def forget(self, key: InstanceKey) -> None:
        """Tell no more of an instance that is gone."""
        for group in [g for g, found in self._instances.items() if found == key]:
            del self._instances[group]

    async def seen(self, live: Live, ref: ObjectRef) -> Seen:
        """Return a workload as it is.

        What cannot be read is as if it were not there: whoever wanted to apply
        it says why.
        """
        name = f"{ref.kind} {ref.name}"
        try:
            observed = await live.get(ref)
        except errors.KubeError:
            observed = None
        if observed is None:
            return Seen(name=name)
        workload = observed.document()
        return Seen(
            name=name,
            readiness=resources.workload_readiness(workload),
            wanted=resources.wanted_replicas(workload),
            available=resources.available_replicas(workload),
            ailments=self._ailments(workload),
        )

    def _ailments(self, workload: Document) -> tuple[resources.Ailment, ...]:
        selected = workload["spec"]["selector"].get("matchLabels") or {}
        label = selected.get(resources.APP_LABEL)
        if label is None:
            # It is not ours: whoever wanted to apply it says so.
            return ()
        group = workload["metadata"]["namespace"], label
        revision = resources.revision_of(workload, self.replica_sets.of(group))
        return resources.ailments_of(self.pods.of(group), workload, revision)

    def _changed(self, group: Group) -> None:
        if (key := self._instances.get(group)) is not None:
            self.on_change(key)


def _group_of(item: kube.Observed) -> Group:
    return item.ref.namespace, item.labels[resources.APP_LABEL]


def _pod(item: kube.Observed) -> resources.Pod:
    return _POD.decode(item.body)


def _replica_set(item: kube.Observed) -> resources.ReplicaSet:
    controller = item.controller()
    return resources.ReplicaSet.of(
        controller.uid if controller else "", item.labels, item.annotations
    )
