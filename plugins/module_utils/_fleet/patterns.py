# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Patterns by which a fleet says what requests may name: ``*`` within a part, ``/**`` at the end for all below."""

from __future__ import annotations

import re


def expression(pattern: str, ends: str) -> re.Pattern[str]:
    """What a whole text has to match. ``ends``: the characters that end a part, which ``*`` does not go beyond."""
    below = pattern.endswith("/**")
    parts = pattern.removesuffix("**").split("*") if below else pattern.split("*")
    return re.compile(f"[^{re.escape(ends)}]*".join(re.escape(part) for part in parts) + (".+" if below else ""))
