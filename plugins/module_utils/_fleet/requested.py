# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""From a request to the tenant that it asks for, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import request_checks
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.fenced import fenced
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form import FORM
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import plain
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source import Source, default_ref
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Delivery, Placement, Tenant

# By the names of the request, where neither it nor the fleet says anything.
_DURATIONS = {"interval": "5m", "retryInterval": "1m", "timeout": "5m"}


def from_request(request: Request, rules: Rules) -> tuple[Tenant | None, list[Problem]]:
    """The tenant of a request; or all that is wrong with it."""
    content = request.content
    faults = [request.problem(*fault) for fault in FORM.faults(content, ())]
    if faults:
        return None, faults
    name, owner = content["tenant"], content.get("owner", {})
    if content.get("state") == "absent":
        return Tenant(name, request, True, owner.get("team", ""), owner.get("contact", "")), []
    problems = [request.problem(*fault) for fault in request_checks.faults(content, rules)]
    if problems:
        return None, problems
    sources = {one["name"]: Source.from_content(one) for one in content["sources"]}
    asked = content["environments"]
    placements = [_placement(one, asked[one], sources, content, rules) for one in sorted(asked)]
    tenant = Tenant(
        name=name,
        request=request,
        team=owner["team"],
        contact=owner.get("contact", ""),
        namespaces=tuple(content.get("namespaces", [name])),
        access={right: tuple(groups) for right, groups in content.get("access", {}).items()},
        placements=tuple(placements),
        external_secrets=tuple({"kind": "SecretStore", **one} for one in content.get("externalSecrets", ())),
        labels=content.get("labels", {}),
        annotations=content.get("annotations", {}),
        notifications=tuple({"severity": "info", **one} for one in content.get("notifications", ())),
    )
    return tenant, []


def _placement(
    environment: str,
    content: Mapping[str, Any],
    sources: Mapping[str, Source],
    request: Mapping[str, Any],
    rules: Rules,
) -> Placement:
    source = sources[content.get("source") or next(iter(sources))]
    content = {"ref": default_ref(source.url), **content}
    return Placement(
        environment=environment,
        source=source,
        delivery=_delivery(environment, content, rules),
        decryption=(content.get("decryption") or request.get("decryption") or {}).get("secret", ""),
        exceptions={one: _exception(environment, content, one, rules) for one in sorted(content.get("exceptions", ()))},
        clusters=tuple(sorted(content.get("clusters", ()))),
        depends_on=tuple(sorted(content.get("dependsOn", ()))),
        **fenced(environment, request, rules),
    )


def _delivery(environment: str, content: Mapping[str, Any], rules: Rules) -> Delivery:
    durations = {
        name: content.get(name) or rules.policy.default(name, environment, otherwise)
        for name, otherwise in _DURATIONS.items()
    }
    return Delivery(
        ref=next(iter(content["ref"].items())),
        path=_path(content.get("path", f"./flux/{environment}")),
        suspend=content.get("suspend", False),
        wait=content.get("wait", True),
        interval=durations["interval"],
        retry_interval=durations["retryInterval"],
        timeout=durations["timeout"],
        substitute={name: plain(value) for name, value in sorted(content.get("substitute", {}).items())},
    )


def _exception(environment: str, content: Mapping[str, Any], cluster: str, rules: Rules) -> Delivery:
    own = content["exceptions"][cluster]
    substitute = {**content.get("substitute", {}), **own.get("substitute", {})}
    return _delivery(environment, {**content, **own, "substitute": substitute}, rules)


def _path(value: str) -> str:
    parts = [part for part in value.split("/") if part not in ("", ".")]
    return "./" + "/".join(parts)
