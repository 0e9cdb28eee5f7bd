# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Texts that several fields of a request hold: names, lines, durations."""

from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Text

# Names that the layout of the repository has taken.
RESERVED_TENANTS = ("sync", "namespaces", "clusters", "base", "flux-system")
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# With a prefix of ours it must still be a label value.
SHORT_LABEL = r"[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?"
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,3}"
# One line without control characters and without what has no width or turns the direction of writing.
_UNSEEN = r"\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\ufffb"
LINE = rf"[^{_UNSEEN}]+"
_DURATION = r"(?=.*[1-9])([0-9]{1,6}(\.[0-9]{1,3})?[smh]){1,3}"


NAMES = "lower-case letters, digits and '-', a letter or digit first and last"
DURATIONS = "a duration above zero, such as 30s, 10m or 1h30m"


def refused(names: tuple[str, ...], pattern: str) -> str:
    """The pattern without these names (``prefix*``: all that begin so)."""
    return f"(?!(?:{'|'.join(names).replace('*', '.*')})$){pattern}"


def text_fault(value: str) -> tuple[str, str] | None:
    """What of a text nobody can see."""
    hidden = next((one for one in value if not one.isprintable()), None)
    if hidden is None:
        return None
    hint = f"one line of text that can be seen (it holds U+{ord(hidden):04X})"
    return value, hint


def directory_fault(value: str) -> tuple[str, str] | None:
    """What is wrong with a directory of a repository, beyond its being one line."""
    if value.startswith(("/", "~")) or "\\" in value or ".." in value.split("/"):
        return value, "a directory within the repository, such as ./flux/staging"
    return text_fault(value)


def secret_name(description: str) -> Text:
    """A field that names a Secret."""
    return Text(description, SUBDOMAIN, "the name of a Secret")


TENANT = Text(
    "The tenant's name, for ever.",
    refused(RESERVED_TENANTS, SHORT_LABEL),
    f"{NAMES}, at most 56, and none of {', '.join(RESERVED_TENANTS)}",
    56,
)
ENVIRONMENT_NAME = Text("", refused(model.RESERVED_ENVIRONMENTS, LABEL), f"{NAMES}, at most 63, and not base", 63)
CLUSTER = Text("", LABEL, f"{NAMES}, at most 63", 63)
INTERVAL = Text("How often Flux looks; 5m where it is left out.", _DURATION, DURATIONS, 32)
RETRY_INTERVAL = Text("How soon Flux tries again what failed; 1m where it is left out.", _DURATION, DURATIONS, 32)
TIMEOUT = Text("How long workloads may take to be ready; 5m where it is left out.", _DURATION, DURATIONS, 32)
