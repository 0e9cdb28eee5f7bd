# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How Helm goes about a release: fields that have Flux's own names, and what holds where nothing is said.

The names and types are those of https://fluxcd.io/flux/components/helm/api/v2/. What replaces or recreates objects by
force is not among them: it loses what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import LINE, RETRY_INTERVAL, TIMEOUT
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Fault, Flag, Shape, Text, Whole, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

CRDS = ("CreateReplace", "Create", "Skip")
_RETRY, _REMEDIATE = "RetryOnFailure", "RemediateOnFailure"
_STRATEGY: Mapping[str, Any] = {"name": _RETRY, "retryInterval": "1m"}

_SELECTOR = Text("", LINE, "one line of text", 512)
TARGET = Record(
    "Which objects.",
    dict.fromkeys(("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"), _SELECTOR),
)
_REMEDIATION: Mapping[str, Shape] = {
    "retries": Whole("How often a failed release is taken back and tried again; -1: for ever.", -1),
    "remediateLastFailure": Flag("Whether the last failure is taken back too."),
    "ignoreTestFailures": Flag("Whether failing tests count."),
}
_HOW: Mapping[str, Shape] = {
    "timeout": TIMEOUT,
    "disableHooks": Flag("Whether the chart's hooks are left out."),
    "disableWait": Flag("Whether Helm does not wait for what it applies."),
}
_RELEASING: Mapping[str, Shape] = {
    **_HOW,
    "disableWaitForJobs": Flag("Whether Helm does not wait for jobs."),
    "disableSchemaValidation": Flag("Whether values are not held against the chart's schema."),
    "disableOpenAPIValidation": Flag("Whether objects are not held against the API's schema."),
    "strategy": Record(
        "What happens after a failure.",
        {"name": Word("Try again, or take back first.", (_RETRY, _REMEDIATE)), "retryInterval": RETRY_INTERVAL},
        ("name",),
    ),
}
_CLEANUP = {"cleanupOnFail": Flag("Whether what was new is deleted after a failure.")}
_IGNORED = Record(
    "",
    {
        "paths": Items("JSON pointers.", Text("", r"(/.*)?", "a JSON pointer, such as /spec/replicas", 512)),
        "target": TARGET,
    },
    ("paths",),
)
FIELDS: Mapping[str, Shape] = {
    "crds": Word("What becomes of the chart's CRDs.", CRDS),
    "install": Record(
        "",
        {
            **_RELEASING,
            "createNamespace": Flag("Whether the namespace is made where it is missing."),
            "remediation": Record("", _REMEDIATION),
        },
    ),
    "upgrade": Record(
        "",
        {
            **_RELEASING,
            **_CLEANUP,
            "preserveValues": Flag("Whether values of the release before are kept."),
            "remediation": Record(
                "", {**_REMEDIATION, "strategy": Word("How it is taken back.", ("rollback", "uninstall"))}
            ),
        },
    ),
    "rollback": Record("", {**_HOW, **_CLEANUP, "disableWaitForJobs": Flag("Whether Helm does not wait for jobs.")}),
    "uninstall": Record(
        "",
        {
            **_HOW,
            "keepHistory": Flag("Whether Helm remembers the release."),
            "deletionPropagation": Word("How what belongs to objects goes.", ("background", "foreground", "orphan")),
        },
    ),
    "test": Record(
        "",
        {
            "enable": Flag("Whether the chart's tests are run."),
            "ignoreFailures": Flag("Whether failing tests count."),
            "timeout": TIMEOUT,
            "filters": Items(
                "Which tests.",
                Record("", {"name": _SELECTOR, "exclude": Flag("Whether this one is left out.")}, ("name",)),
            ),
        },
    ),
    "drift_detection": Record(
        "",
        {
            "mode": Word("What becomes of edits in the cluster.", ("enabled", "warn", "disabled")),
            "ignore": Items("What may differ.", _IGNORED),
        },
    ),
}


def actions(helm: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a HelmRelease's spec, by Flux's names, for what a component says under ``helm``."""
    crds = {"crds": helm.get("crds", CRDS[0])}
    found = {
        "install": {"createNamespace": True, **crds, **_with_strategy(helm.get("install", {}))},
        "upgrade": {**crds, **_with_strategy(helm.get("upgrade", {}))},
    }
    names = {"rollback": "rollback", "uninstall": "uninstall", "test": "test", "drift_detection": "driftDetection"}
    return found | {flux: dict(helm[name]) for name, flux in names.items() if name in helm}


def _with_strategy(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Retries where nothing else is asked for; those who say how a failure is taken back want it taken back."""
    if "strategy" in asked or "remediation" in asked:
        return dict(asked)
    return {"strategy": dict(_STRATEGY), **asked}


def faults(helm: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """What does not go together of what a component says under ``helm``."""
    for action in ("install", "upgrade"):
        asked = helm.get(action, {})
        strategy = asked.get("strategy", {"name": _REMEDIATE})
        if strategy["name"] == _REMEDIATE and "retryInterval" in strategy:
            hint = f"goes with {_RETRY} alone: take it out"
            yield (*path, action, "strategy", "retryInterval"), strategy["retryInterval"], hint
        if strategy["name"] == _RETRY and "remediation" in asked:
            hint = f"{_RETRY} takes nothing back: take remediation out, or give strategy the name {_REMEDIATE}"
            yield (*path, action, "remediation"), "", hint
