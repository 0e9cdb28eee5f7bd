# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""A tenant taken off one cluster where its namespaces stay, empty or with all that runs there."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import keeping, offboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import Remains
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import name
from ansible_collections.fluxops.fleet.plugins.module_utils._io import objects
from ansible_collections.fluxops.fleet.plugins.module_utils._io.offboarding import Departure


class KeptNamespaces(Departure):
    """What runs goes, and so does all of Flux; the namespaces stay and are nobody's."""

    keep = keeping.Keep(namespace=True)

    def clears(self, found: Remains) -> list[str]:
        """What the second step takes away, in words."""
        spaces = [f"label of Namespace {one}" for one in found.lasting]
        return [*(name(one) for one in self._beside(found)), *spaces]

    def namespaces(self) -> list[str]:
        """Take away what Flux and we have there; the label goes last, since it is what tells the next run."""
        found = self.look()
        if early := self.early(found):
            return early
        beside = self._beside(found)
        for one in beside:
            self._delete(one)
        late = [offboarding.says(one) for one in self._beside(found)] if beside else []
        for one in found.namespaces if not late else ():
            self._say(f"{self._cluster.where}: letting {name(one)} be nobody's")
            objects.set_fields(self._cluster, one, keeping.nobodys(one))
        return late

    def _beside(self, found: Remains) -> list[Document]:
        """Rights and limits by our label, all other objects of Flux, and the Secrets that were made for sources."""
        rest = [
            one
            for space in found.lasting
            for version, kind in keeping.BESIDE
            for one in self._list(version, kind, space)
        ]
        places = [(keeping.generated_secret(one), one["metadata"]["namespace"]) for one in rest]
        secrets = [self._cluster.get("v1", "Secret", *place) for place in places if place[0]]
        return [*self.fences(found), *rest, *(one for one in secrets if one)]


class KeptWorkloads(KeptNamespaces):
    """All that runs stays; Flux lets go of it."""

    keep = keeping.Keep(workloads=True)

    def takes(self, found: Remains) -> list[str]:
        """What the first step takes away, in words."""
        return [name(one) for one in found.own] if found.workloads_change else []

    def workloads(self) -> list[str]:
        """Have Flux let go; returns what has still to go, in its own words."""
        found = self.look()
        self._hold_fleet_sync(found)
        held = [one for one in found.own if not keeping.hold(one)]
        for one in found.own:
            if one not in held and not offboarding.deleting(one):
                objects.set_fields(self._cluster, one, keeping.hold(one))
        # Only what was seen to be held: nothing may be in between that resumes it.
        for one in keeping.released(found.own):
            if one in held:
                self._delete(one)
        return [offboarding.says(one) for one in found.own]

    def left(self, before: Remains) -> list[str]:
        """What stays, as the syncs and releases knew it when the run began."""
        own = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in before.own}
        return sorted(str(one) for one in before.made if (one.kind, one.namespace, one.name) not in own)


def kind(keep: keeping.Keep) -> type[Departure]:
    """How a tenant goes that keeps this."""
    return KeptWorkloads if keep.workloads else KeptNamespaces if keep.namespace else Departure
