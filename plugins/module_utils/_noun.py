# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""From a noun to Ansible's results: one border for the action and for the module on a bastion."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fluxops.fleet.plugins.module_utils._arguments import Specification
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import FleetError
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import Scrubber, secret_values

Result = dict[str, Any]
Say = Callable[[str], None]
"""Tells people, while it happens, what is being done."""


class Noun(Protocol):
    """What every noun is: a specification, and one function from parameters to a result (or a FleetError)."""

    ARGUMENTS: Specification

    @staticmethod
    def run(parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
        """Make it true, or say in check mode what that would take."""
        raise NotImplementedError


@contextmanager
def keeping() -> Iterator[Result]:
    """A part of a result that is told also where what follows fails: what was done by then, the error's ``done``."""
    done: Result = {}
    try:
        yield done
    except FleetError as error:
        error.done = done
        raise


def guarded(noun: Noun, parameters: Mapping[str, Any], *, check_mode: bool, say: Say) -> Result:
    """The noun's result, or its failure as one; values of secret parameters are taken out of all that is said."""
    scrubber = Scrubber(secret_values(noun.ARGUMENTS, parameters))
    try:
        result = noun.run(parameters, check_mode=check_mode, say=lambda text: say(scrubber.text(text)))
    except FleetError as error:
        problems = [problem.as_dict() for problem in error.problems]
        result = {**error.done, "failed": True, "msg": str(error), "problems": problems}
    except Exception as error:  # noqa: BLE001 - the border: nothing may leave unscrubbed
        message = f"a fault in the collection itself, please report it: {type(error).__name__}: {error}"
        result = {"failed": True, "msg": message, "exception": traceback.format_exc()}
    scrubbed: Result = scrubber.data(result)
    return scrubbed


def run_module(noun: Noun) -> None:
    """The body of a module: the same noun, run where Ansible copied it to."""
    module = AnsibleModule(argument_spec=noun.ARGUMENTS, supports_check_mode=True)
    result = guarded(noun, module.params, check_mode=module.check_mode, say=module.log)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
