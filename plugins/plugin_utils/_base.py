# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The base action, once for all nouns: validated arguments in, scrubbed result out."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import Scrubber, secret_values
from ansible_collections.fluxops.fleet.plugins.module_utils._noun import Noun, Result, guarded

# Ansible loads this before it forks for a task. To look for garbage in what a fork has from its parent is to copy it:
# what is there by now is left out of that, and in each fork what came since.
gc.freeze()


def native(value: Any) -> Any:
    """The value without Ansible's tags, which PyYAML and JSON writers of other libraries do not know."""
    if isinstance(value, Mapping):
        return {native(key): native(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [native(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


# Without it the module and its parameters, credentials among them, become a file that a kill leaves behind.
def without_none(parameters: Mapping[str, Any], specification: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Validated parameters without the options that nobody gave, at any depth: a None is no choice when it comes back.

    What options hold that have none of their own is the user's, and stays as it is.
    """
    found = {}
    for name, value in parameters.items():
        options = specification.get(name, {}).get("options")
        if options and isinstance(value, Mapping):
            found[name] = without_none(value, options)
        elif options and isinstance(value, list):
            found[name] = [without_none(one, options) for one in value]
        elif value is not None:
            found[name] = value
    return found


_NEEDS_PIPELINING = "a cluster behind a bastion needs pipelining: set ansible_pipelining: true for its host"


class FleetAction(ActionBase):
    """Runs its noun in this worker process; for a cluster behind a bastion, the module of the same name there."""

    _supports_check_mode = True
    _supports_async = False
    noun: ClassVar[Noun]
    on_controller: ClassVar[bool] = False
    """Whether the noun only ever runs on the controller (the Git side)."""
    shows_own_diff: ClassVar[bool] = False
    """Whether one host runs this for all: Ansible shows a diff only where that one host is changed."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Ansible's entry."""
        gc.freeze()
        super().run(tmp, task_vars)
        arguments = without_none(native(self._task.args), self.noun.ARGUMENTS)
        validation = ArgumentSpecValidator(self.noun.ARGUMENTS).validate(arguments)
        scrubber = Scrubber(secret_values(self.noun.ARGUMENTS, arguments))
        if validation.error_messages:
            return {"failed": True, "msg": scrubber.text("; ".join(validation.error_messages))}
        self._apply_environment()
        result = self.perform(native(validation.validated_parameters), task_vars or {})
        if not self._task.diff:
            result.pop("diff", None)
        cleaned: Result = scrubber.data(result)
        if self.shows_own_diff and cleaned.get("diff"):
            Display().display(CallbackBase()._get_diff(cleaned.pop("diff")))
        return cleaned

    def perform(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        """The noun's result; nouns that need something of the controller's override this."""
        if self.on_controller or self._is_local():
            return guarded(self.noun, parameters, check_mode=self._task.check_mode, say=self._say)
        if not self._is_pipelining_enabled("new"):
            return {"failed": True, "msg": _NEEDS_PIPELINING}
        remote: Result = self._execute_module(
            module_name=self._task.resolved_action,
            module_args=without_none(parameters, self.noun.ARGUMENTS),
            task_vars=task_vars,
        )
        return remote

    @staticmethod
    def _say(text: str) -> None:
        Display().display(f"  {text}")

    def _is_local(self) -> bool:
        return self._connection.transport == "local" and not self._task.become

    def _apply_environment(self) -> None:
        # The worker process ends with the task, so nobody else sees these.
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        os.environ.update({str(name): str(value) for name, value in environment.items()})
