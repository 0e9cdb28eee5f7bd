# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The fields of a component that is a Helm release."""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import component_actions, component_sources
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import LABEL, NAMES, SUBDOMAIN
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Flag, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

# https://helm.sh/docs/chart_template_guide/getting_started/#adding-a-simple-template-call
_LONGEST_RELEASE = 53
_ONE_VERSION = r"v?(\d+|[xX*])(\.(\d+|[xX*])){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
_BOUND = rf"((=|!=|<|>|<=|>=|=<|=>|~|~>|\^) *)?{_ONE_VERSION}"
_BOUNDS = rf"{_BOUND}( *, *{_BOUND}| +{_BOUND}| +- +{_ONE_VERSION})*"
# https://github.com/Masterminds/semver#checking-version-constraints: what Helm and Flux read.
_VERSIONS = rf"{_BOUNDS}( *\|\| *{_BOUNDS})*"
# In a version's place: what the environment was promoted to, which the repository knows.
PROMOTED = "promoted"


def _repository_fault(value: str) -> tuple[str, str] | None:
    hint = _fault_of_repository(value)
    return (without_credentials(value) or "empty", hint) if hint else None


def _fault_of_repository(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "this is no URL"
    if "@" in parts.netloc:
        return "credentials stand in the URL: take them out, and name a Secret of fleet_secrets in helm.secret"
    if parts.scheme not in ("https", "oci") or not parts.hostname or not port_is_fine:
        return "https://host/path of a chart repository, or oci://host/path of a registry"
    if parts.query or parts.fragment or any(ord(character) < 33 for character in value):
        return "a chart repository's URL holds no white space, '?' or '#'"
    return ""


HELM = Record(
    "A Helm release.",
    {
        "repository": Text("Where charts are.", r"[^ ]+", "a URL", 2048, _repository_fault),
        "chart": Text("The chart.", r"[A-Za-z0-9][A-Za-z0-9._/-]*", "the chart's name in its repository"),
        "version": Text(
            "A version or a range.",
            rf"{_VERSIONS}|{PROMOTED}",
            "a version or a range of versions, such as 1.18.2, 1.18.x or >=1.18.0 <2.0.0, or promoted",
        ),
        "release": Text(
            "The release's name.", LABEL, f"{NAMES}: a release's name has at most {_LONGEST_RELEASE}", _LONGEST_RELEASE
        ),
        **component_sources.FIELDS,
        **component_actions.FIELDS,
    },
)
# https://fluxcd.io/flux/components/helm/helmreleases/#values-references
VALUES_FROM = Items(
    "Where further values come from, each over those before it; values stand over all of them.",
    Record(
        "",
        {
            "kind": Word("What it is.", ("ConfigMap", "Secret")),
            "name": Text("Its name.", SUBDOMAIN, "the name of a ConfigMap or Secret in flux-system"),
            "valuesKey": Text("Its key.", r"[-._a-zA-Z0-9]+", "a key: letters, digits, '-', '_' and '.'"),
            "targetPath": Text(
                "Where in the values it goes.",
                r"([a-zA-Z0-9_\-.\\/]|\[[0-9]{1,5}\])+",
                "where the value goes, with dots between the keys, such as ingress.hosts[0]",
                250,
            ),
            "optional": Flag("Whether it may be missing."),
        },
        ("kind", "name"),
    ),
)
