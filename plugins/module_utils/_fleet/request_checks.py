# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What is wrong between the fields of a well-formed request, and with the rules of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import fence_checks, source_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault


def faults(content: Mapping[str, Any], rules: Rules) -> Iterator[Fault]:
    """What is wrong between the fields of a well-formed request, and with the rules of the fleet."""
    for number, namespace in enumerate(content.get("namespaces", [content["tenant"]])):
        hint = rules.namespace_fault(namespace)
        if hint and "namespaces" in content:
            yield ("namespaces", number), namespace, hint
        elif hint:
            yield ("tenant",), namespace, f"the namespace of this name: {hint}; name others under namespaces"
    yield from source_checks.faults(content, rules.known_hosts)
    names = [one["name"] for one in content["sources"]]
    yield from rules.policy.faults(content, {one: rules.profile_of(one, content) for one in content["environments"]})
    yield from fence_checks.faults(content, rules.policy.caps)
    for environment, asked in content["environments"].items():
        yield from _environment_faults(asked, ("environments", environment), names)


def _environment_faults(asked: Mapping[str, Any], path: Path, sources: list[str]) -> Iterator[Fault]:
    for cluster in asked.get("exceptions", ()) if "clusters" in asked else ():
        if cluster not in asked["clusters"]:
            hint = f"clusters leaves this one out, it has {', '.join(asked['clusters'])}: name it there too"
            yield (*path, "exceptions", cluster), cluster, hint
    known = ", ".join(sources) or "none"
    if "source" not in asked and len(sources) != 1:
        yield (*path, "source"), "", f"is missing: there are several sources, name one of {known}"
    elif "source" in asked and asked["source"] not in sources:
        yield (*path, "source"), asked["source"], f"there is no such source here (sources: {known})"
