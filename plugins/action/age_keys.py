# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``age_keys``: the file goes through the vault that this run of Ansible was given."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, Problem
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Result
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import age_keys
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import FleetAction, native


class ActionModule(FleetAction):
    """See the module's documentation."""

    noun = age_keys
    on_controller = True

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun, with the way into and out of the vault."""
        encrypt = self._encrypted if parameters["vault"] else str
        return super().perform({**parameters, "read": self._read, "encrypt": encrypt}, task_vars)

    def _read(self, path: str) -> Any:
        try:
            return native(self._loader.load_from_file(path, cache="none"))
        except AnsibleError:  # its words may quote the file
            hint = "can't be read as YAML: give the vault's password, or another file"
            raise InvalidInput(problems=[Problem("run", "path", path, hint)]) from None

    def _encrypted(self, text: str) -> str:
        try:
            return bytes(self._loader._vault.encrypt(text)).decode()
        except AnsibleError:
            hint = (
                "no password to encrypt the file by: run with --vault-id or --vault-password-file, or say vault: false"
            )
            raise InvalidInput(problems=[Problem("run", "vault", "", hint)]) from None
