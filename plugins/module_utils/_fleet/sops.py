# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Who can read what is encrypted in the fleet repository: ``.sops.yaml``, and the Secrets that decrypt on clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age, documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import check_label
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.plan import Change
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.snapshot import Snapshot

FILE, VARIABLE = ".sops.yaml", "fleet_sops"
BEGIN = "# BEGIN fluxops.fleet: from fleet_sops, written by every run. Rules of your own go above BEGIN or below END."
END = "# END fluxops.fleet"
# What SOPS leaves readable is what kustomize and people have to see.
_ENCRYPTED = "^(data|stringData)$"


@dataclass(frozen=True)
class Sops:
    """The recipients (age's public keys) of the whole fleet, by environment, and by tenant.

    ``secret`` is the Secret in flux-system that decrypts infrastructure; a tenant's is ``<secret>-<tenant>``.
    """

    fleet: Sequence[str] = ()
    environments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tenants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    secret: str = "sops-age"  # noqa: S105 - a name

    @classmethod
    def from_params(cls, given: Mapping[str, Any] | None) -> Sops:
        """What the option ``sops`` says. Raises InvalidInput with all that is wrong with it."""
        made = cls(given["age"], given["environments"], given["tenants"], given["secret"]) if given else cls()
        raise_if(made._problems())
        return made

    def __bool__(self) -> bool:
        return bool(self.fleet or self.environments or self.tenants)

    @property
    def decryption(self) -> str:
        """The Secret that decrypts infrastructure; empty where nothing of it is encrypted."""
        return self.secret if self.fleet or self.environments else ""

    def tenant_decryption(self, tenant: str) -> str:
        """The Secret in flux-system that decrypts what lies in a tenant's directory; empty where nothing does.

        Never the fleet's: whoever may add to that directory could have Flux decrypt what was encrypted for others.
        """
        return f"{self.secret}-{tenant}" if tenant in self.tenants else ""

    def _problems(self) -> Iterator[Problem]:
        yield from check_label("run", f"{VARIABLE}.secret", self.secret)
        groups = {"age": {"": self.fleet}, "environments": self.environments, "tenants": self.tenants}
        for group, named in groups.items():
            for name, recipients in named.items():
                place = f"{VARIABLE}.{group}{f'.{name}' if name else ''}"
                yield from check_label("run", f"{VARIABLE}.{group}", name) if name else ()
                if not isinstance(recipients, (list, tuple)) or (name and not recipients):
                    yield Problem("run", place, "", "a list of public keys of age")
                    continue
                for number, one in enumerate(recipients):
                    if fault := age.recipient_fault(one):
                        yield Problem("run", f"{place}[{number}]", "", fault)

    def rules(self, layout: Layout) -> list[dict[str, str]]:
        """The rules in the order in which SOPS looks at them: https://getsops.io/docs/#using-sops-yaml-conf-to-select-kms-pgp-and-age-for-new-files."""
        found = []
        for tenant, own in sorted(self.tenants.items()):
            for environment, theirs in sorted(self.environments.items()):
                found.append(self._rule(f"{layout.tenant(environment, tenant)}/", theirs, own))
            found.append(self._rule(f"{layout.projects}/[^/]+/{tenant}/", own))
        for environment, theirs in sorted(self.environments.items()):
            found.append(self._rule(f"{layout.infrastructure}/{environment}/", theirs))
        everyone = [one for _name, theirs in sorted(self.environments.items()) for one in theirs]
        if self.decryption:
            found.append(self._rule(f"{layout.infrastructure}/", everyone))
        return found

    def _rule(self, place: str, *recipients: Sequence[str]) -> dict[str, str]:
        keys = dict.fromkeys([*self.fleet, *(one for group in recipients for one in group)])
        return {"path_regex": f"^{place}", "encrypted_regex": _ENCRYPTED, "age": ",".join(keys)}

    def change(self, snapshot: Snapshot, layout: Layout) -> list[Change]:
        """The change of ``.sops.yaml``, where it is ours or missing, and says something else. People's bytes stay."""
        if not self:
            return []
        before = snapshot.read([FILE]).get(FILE)
        after = self._text(before, layout)
        return [] if after == before else [Change(FILE, before, after)]

    def _text(self, before: str | None, layout: Layout) -> str:
        lines = [line.strip() for line in before.splitlines()] if before else []
        if before is not None and BEGIN not in lines:
            return before
        ours = documents.write_list(list(self.rules(layout)))
        if before is None:
            return "creation_rules:\n" + _block(ours, "  ")
        return _replaced(before, ours)


def _replaced(before: str, ours: str) -> str:
    """The file with our rules anew between the marks. Raises InvalidInput where that can't be."""
    lines = before.splitlines(keepends=True)
    stripped = [line.strip() for line in lines]
    begin = stripped.index(BEGIN)
    hint = f"our rules must stand here once, in a list of creation_rules, from '{BEGIN}' to '{END}': mend these lines"
    problem = InvalidInput(problems=[Problem(FILE, "creation_rules", "", hint)])
    if stripped.count(BEGIN) != 1 or stripped.count(END) != 1 or stripped.index(END) < begin:
        raise problem
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    after = "".join(lines[:begin]) + _block(ours, indent) + "".join(lines[stripped.index(END) + 1 :])
    rules = documents.read(f"rules:\n{ours}", FILE)[0]["rules"]
    found = (documents.read(after, FILE) or [{}])[0].get("creation_rules")
    if not isinstance(found, list) or any(rule not in found for rule in rules):
        raise problem
    return after


def _block(ours: str, indent: str) -> str:
    return "".join(indent + line for line in f"{BEGIN}\n{ours}{END}\n".splitlines(keepends=True))
