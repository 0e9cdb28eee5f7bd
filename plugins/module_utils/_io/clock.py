# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The time as Kubernetes writes it."""
    return ago(0)


def ago(days: int) -> str:
    """The same of so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
