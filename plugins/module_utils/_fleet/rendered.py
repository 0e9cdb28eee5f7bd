# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What is wrong with what directories were built to: told of component, clusters and file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import substitution
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.build_sources import Fault
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, some
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.recipes import Change

_NAMED = 3


@dataclass(frozen=True)
class Built:
    """What a directory comes to. ``said``: why that is not known whole."""

    objects: Sequence[Document] = ()
    faults: Sequence[Fault] = ()
    said: Sequence[str] = ()


@dataclass(frozen=True)
class Rendered:
    """A component as some clusters get it. ``objects``: with their patches, before Flux substitutes in them."""

    change: Change
    clusters: Sequence[str]
    objects: Sequence[Document]
    built: Built

    @property
    def title(self) -> str:
        """The component and its clusters, for people."""
        return f"component {self.change.component} of {some(self.clusters, _NAMED)}"

    @property
    def directory(self) -> str:
        """The directory that its clusters apply."""
        return self.change.after.directory if self.change.after else ""

    def applied(self, facts: Mapping[str, str]) -> list[Document]:
        """The objects as a cluster with these facts gets them."""
        variables = self.change.after.variables(facts) if self.change.after else None
        if variables is None:
            return list(self.objects)
        return [substitution.substituted(one, variables) for one in self.objects]

    def problem(self, place: str, hint: str) -> Problem:
        """Something wrong with it. ``place``: a file, or an object."""
        return Problem(place, self.title, "", hint)


def building(rendered: Sequence[Rendered]) -> Iterator[Problem]:
    """What can't be built."""
    for one in rendered:
        for fault in one.built.faults:
            yield one.problem(fault.place, fault.hint)
