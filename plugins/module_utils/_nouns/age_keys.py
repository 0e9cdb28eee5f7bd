# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""``age_keys``: private keys for what SOPS encrypts, handed to the user once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._io import age_keys
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result, Say

ARGUMENTS: Specification = {
    "path": {"type": "path", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
    "variable": {"type": "str", "default": "vault_age_keys"},
    "vault": {"type": "bool", "default": True},
}
_HEAD = "# Private keys of age, made by fluxops.fleet. They lie nowhere else: keep this file.\n"


def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """Make the keys where the file is missing; see the module's documentation for parameters and result.

    The action adds ``read`` (the data of a file, decrypted) and ``encrypt`` (a text → the text to write).
    """
    path, names = parameters["path"], parameters["names"]
    if Path(path).exists():
        found = _there(parameters)
        return {"changed": False, "recipients": {name: found[name] for name in names}}
    if check_mode:
        return {"changed": True, "recipients": {}}
    made = age_keys.generate(names)
    text = _HEAD + documents.write([{parameters["variable"]: made}])
    age_keys.write_once(path, parameters["encrypt"](text))
    say(f"{path}: {len(made)} private key(s), for its owner alone: keep it, they lie nowhere else")
    return {"changed": True, "recipients": age_keys.recipients(made)}


def _there(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The public keys of those in the file, which is the user's and is never changed."""
    variable, path = parameters["variable"], parameters["path"]
    found = parameters["read"](path)
    kept = found.get(variable) if isinstance(found, Mapping) else None
    missing = [name for name in parameters["names"] if not isinstance(kept, Mapping) or name not in kept]
    hint = f"is there, and {variable} in it has no key for {', '.join(missing)}: give another file for these"
    if missing or not isinstance(kept, Mapping):
        raise InvalidInput(problems=[Problem("run", "path", path, hint)])
    try:
        return age_keys.recipients({str(name): str(one) for name, one in kept.items()})
    except ValueError:
        hint = f"is there, and {variable} in it is no mapping of names to private keys of age"
        raise InvalidInput(problems=[Problem("run", "path", path, hint)]) from None
