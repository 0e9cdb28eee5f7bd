# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What is wrong between the fields of a well-formed request, and with the rules of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import known_hosts
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
    sources = content["sources"]
    names = [one["name"] for one in sources]
    used = {
        one.get("source", names[0] if len(names) == 1 else None) for one in content.get("environments", {}).values()
    }
    for number, source in enumerate(sources):
        if source["name"] in names[:number]:
            yield ("sources", number, "name"), source["name"], "stands twice: each source has its own name"
        elif source["name"] not in used:
            yield ("sources", number), source["name"], "no environment uses this source: name it in one, or take it out"
        yield from _host_faults(source, ("sources", number, "url"), rules)
    yield from rules.policy.faults(content, {one: rules.profile_of(one, content) for one in content["environments"]})
    for environment, asked in content["environments"].items():
        yield from _environment_faults(asked, ("environments", environment), names)


def _host_faults(source: Mapping[str, Any], path: Path, rules: Rules) -> Iterator[Fault]:
    """A host whose key nobody pinned; a Secret that the tenant brings holds its own."""
    url = source["url"]
    if rules.known_hosts is None or "secret" in source or not url.startswith("ssh://"):
        return
    name = known_hosts.entry(url)
    if not known_hosts.holds(known_hosts.trusted(rules.known_hosts, url), name):
        hint = f"no line of fleet_known_hosts is for {name}: add the host's key there, as its operator publishes it"
        yield path, url, hint


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
