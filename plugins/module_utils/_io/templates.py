# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The Jinja2 templates of a role, with a user's own in place of those of the same name."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem

_ROLES = Path(__file__).resolve().parents[3] / "roles"


def read(role: str, directory: str | None) -> dict[str, str]:
    """Path below ``templates`` → text of the templates of ``role``; those in the user's ``directory`` win."""
    texts = _texts(_ROLES / role / "templates")
    if not directory:
        return texts
    if not Path(directory).is_dir():
        raise InvalidInput(
            problems=[Problem("run", "fleet_templates", directory, "no such directory on the controller")]
        )
    return texts | {name: text for name, text in _texts(Path(directory)).items() if name in texts}


def _texts(folder: Path) -> dict[str, str]:
    paths = sorted(folder.rglob("*.j2"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
