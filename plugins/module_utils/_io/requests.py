# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Requests from where they lie: files on the controller, and variables."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import collisions, dependencies, request_reader
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem, raise_if
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.requested import from_request
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rules import Rules
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.tenant import Tenant

_ENDINGS = (".yml", ".yaml")
_VARIABLE = "fleet_tenants"


def load(paths: Iterable[str], data: Iterable[Mapping[str, Any]], rules: Rules) -> list[Tenant]:
    """All tenants of files, of directories (with all that is below), and of data.

    Raises InvalidInput with every problem of every request.
    """
    requests = [Request(content, f"{_VARIABLE}[{number}]") for number, content in enumerate(data)]
    tenants, problems = [], []
    for path in paths:
        found, wrong = _read(Path(path))
        requests += found
        problems += wrong
    for one in requests:
        tenant, wrong = from_request(one, rules)
        tenants += [tenant] if tenant else []
        problems += wrong
    raise_if([*problems, *collisions.in_run(tenants), *dependencies.in_run(tenants)])
    return tenants


def _read(path: Path) -> tuple[list[Request], list[Problem]]:
    if not path.is_dir():
        return _read_file(path)
    files = sorted(one for one in path.rglob("*") if _is_request(one.relative_to(path)) and not one.is_dir())
    if not files:
        hint = f"no file in this directory ends in {' or '.join(_ENDINGS)}"
        return [], [Problem(str(path), "fleet_requests", "", hint)]
    requests: list[Request] = []
    problems: list[Problem] = []
    for file in files:
        found, wrong = _read_file(file)
        requests += found
        problems += wrong
    return requests, problems


def _is_request(path: Path) -> bool:
    return path.suffix in _ENDINGS and not any(part.startswith(".") for part in path.parts)


def _read_file(path: Path) -> tuple[list[Request], list[Problem]]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return [], [Problem(str(path), "fleet_requests", "", "this is no regular file")]
        with path.open("rb") as file:
            data = file.read(request_reader.MAX_BYTES + 1)
    except OSError as error:
        hint = f"can't be read on the controller: {error.strerror}"
        return [], [Problem(str(path), "fleet_requests", "", hint)]
    return request_reader.read(data, str(path))
