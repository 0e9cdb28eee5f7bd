# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of tenants begin with: a request, a tenant, a fleet that it joins, and hostile text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import leaving, onboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.keeping import Keep
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import Member
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.offboarding import REMOVE_TENANT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.projects import ProjectsPlan, Scope
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path, Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import AWKWARD, ROOT, Files

TEMPLATES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "roles" / "onboard" / "templates").glob("*.yaml.j2"))
}
RENDERER = Renderer(TEMPLATES)
URL = "ssh://git@git.example/payments/payments-deploy.git"
FLEET = {"clusters/stg-1/cluster.yaml": "", "clusters/stg-2/cluster.yaml": "", "clusters/prd-1/cluster.yaml": ""}
"""The repository of three clusters that were bootstrapped."""
INVENTORY = {"staging": frozenset({"stg-1", "stg-2"}), "production": frozenset({"prd-1"})}
REMOVED = object()
"""Takes a field away: see ``content``."""

# What people and machines put into fields to see what happens.
HOSTILE = (
    "",
    " ",
    "-",
    "--upload-pack=touch /tmp/x",
    ".",
    "..",
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\nb",
    "main\n  url: evil",
    "a: b",
    "a #b",
    "a\tb",
    "a\x00b",
    "a\x1b[31mb",
    "a\x7fb",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}",
    "${cluster_name}",
    "$${x}",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "!!python/object/apply:os.system [id]",
    "*x",
    "&x",
    "Foo_Bar",
    "FOO",
    "аdmin",  # begins with U+0430
    "pay\u200bments",
    "pay\u202ements",
    "ｐayments",
    "paymentſ",
    "x" * 64,
    "x" * 300,
    "-x",
    "x-",
    "a..b",
    "refs/heads/x",
    "HEAD",
    "@{x}",
    "x.lock",
    "kube-system",
    "kube-x",
    "default",
    "flux-system",
    "sync",
    "namespaces",
    "clusters",
    "base",
    "file:///etc/passwd",
    "http://x/y",
    "https://user:geheim@git.example/x.git",
    "ssh://-oProxyCommand=id/x",
    "ext::sh -c id",
    "https://git.example/${x}.git",
    "\ud800",
    "😀",
    *AWKWARD,
)


def content(changes: Mapping[Path, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The content of a request, right unless a change makes it otherwise: fields at the top, or by their path."""
    found: dict[str, Any] = {
        "tenant": "payments",
        "owner": {"team": "payments", "contact": "payments@corp.example"},
        "namespaces": ["payments", "payments-jobs"],
        "access": {"admin": ["oidc:payments-dev"], "view": ["oidc:everyone"]},
        "sources": [{"name": "deploy", "url": URL}],
        "environments": {
            "staging": {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging"},
            "production": {"source": "deploy", "ref": {"semver": ">=1.0.0"}, "path": "./flux/production"},
        },
    }
    for path, value in {**{(name,): value for name, value in fields.items()}, **(changes or {})}.items():
        place: Any = found
        for part in path[:-1]:
            place = place[part]
        if value is REMOVED:
            del place[path[-1]]
        else:
            place[path[-1]] = deepcopy(value)
    return found


def small(name: str = "shop", **fields: Any) -> dict[str, Any]:
    """The content of the shortest request there is."""
    url = f"https://git.example/{name}.git"
    return {
        "tenant": name,
        "owner": {"team": name},
        "sources": [{"name": "deploy", "url": url}],
        "environments": {"staging": {}},
        **fields,
    }


def problems(found: Mapping[str, Any], rules: Rules | None = None) -> list[Problem]:
    """What is wrong with a request."""
    return from_request(Request(found, "request"), rules or Rules())[1]


def tenant(found: Mapping[str, Any], rules: Rules | None = None, where: str = "request") -> Tenant:
    """The tenant of a request in which nothing is wrong."""
    made, wrong = from_request(Request(found, where), rules or Rules())
    assert wrong == []
    assert made is not None
    return made


def member(name: str) -> Member:
    """One cluster of the fleet, as a run knows it; one with a ``!`` before its name can't be reached."""
    name, reachable = name.removeprefix("!"), not name.startswith("!")
    environment = next((one for one, names in INVENTORY.items() if name in names), "staging")
    repository = {"url": "ssh://git@git.example/platform/fleet.git", "branch": "main"}
    facts = {"uid": "", "reachable": reachable, "failure": ""}
    return Member.from_params(
        {"host": name, "name": name, "environment": environment, "repository": repository, **facts}
    )


def scope(*names: str, **settings: Any) -> Scope:
    """What a run for some clusters is for; all of the fleet where none is named."""
    return Scope([member(name) for name in names or ("stg-1", "stg-2", "prd-1")], INVENTORY, **settings)


def onboard(
    repository: Mapping[str, str],
    asking: Sequence[Mapping[str, Any]],
    *names: str,
    rules: Rules | None = None,
    templates: Mapping[str, str] | None = None,
    found: Mapping[str, Mapping[str, str]] | None = None,
    volumes: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    moved: bool = False,
    **settings: Any,
) -> ProjectsPlan:
    """The plan of a run for some clusters and requests against the files of a repository."""
    made = [tenant(one, rules, f"requests/{number}.yml") for number, one in enumerate(asking)]
    renderer = Renderer({**TEMPLATES, **templates}) if templates else RENDERER
    place = scope(*names, **settings)
    there = {one.name: (found or {}).get(one.name, {}) for one in place.members}
    claimed = {name: [dict(one) for one in own] for name, own in (volumes or {}).items()}
    wishes = onboarding.Onboarding(place, made, renderer, rules or Rules(), there, claimed, moved=moved)
    return onboarding.plan_onboarding(wishes, Files(repository))


def leave(
    repository: Mapping[str, str],
    names: Sequence[str],
    *clusters: str,
    waiting: Mapping[str, str] | None = None,
    found: Sequence[Mapping[str, Any]] = (),
    keep: Keep | None = None,
    **settings: Any,
) -> ProjectsPlan:
    """The plan of a run that takes tenants away."""
    settings.setdefault("allow", [REMOVE_TENANT])
    wishes = leaving.Leaving(scope(*clusters, **settings), names, waiting or {}, found, keep or Keep())
    return leaving.plan_leaving(wishes, Files(repository))


def after(repository: Mapping[str, str], change: ProjectsPlan) -> dict[str, str]:
    """The repository with a plan carried out."""
    texts = {**repository, **{one.path: one.after for one in change.plan.changes}}
    return {path: text for path, text in texts.items() if text is not None}


hostile = st.sampled_from(HOSTILE) | st.text(max_size=80)
