# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of where a tenant is told what Flux does for it."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    LINE,
    NAMES,
    SHORT_LABEL,
    SUBDOMAIN,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

# https://fluxcd.io/flux/components/notification/providers/#type
PROVIDERS = (
    *("alertmanager", "azuredevops", "azureeventhub", "bitbucket", "bitbucketserver", "datadog", "discord"),
    *("generic", "generic-hmac", "gitea", "github", "githubdispatch", "gitlab", "googlechat", "googlepubsub"),
    *("grafana", "lark", "matrix", "msteams", "nats", "opsgenie", "pagerduty", "rocket", "sentry", "slack"),
    *("telegram", "webex", "zulip"),
)
NOTIFICATIONS = Items(
    "Where the tenant is told what Flux does for it.",
    Record(
        "",
        {
            "name": Text("Its name, once in the request.", SHORT_LABEL, f"{NAMES}, at most 56", 56),
            "provider": Word("The kind of service.", PROVIDERS),
            "channel": Text("Channel, room or topic there.", LINE, "one line of text", 2048, text_fault),
            "secret": Text(
                "A Secret of the first namespace that holds address, and token where it takes one.",
                SUBDOMAIN,
                "the name of a Secret",
                253,
            ),
            "severity": Word("error: failures alone; info, where it is left out: all that changes.", ("info", "error")),
        },
        ("name", "provider"),
    ),
    most=10,
)
