# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems as forges show them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import annotations
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import Problem

HINT = "write it plainly"
IN_A_FILE = Problem("requests/a.yml:3", "namespaces[1]", "kube-system", HINT).as_dict()
OF_THE_RUN = Problem("fleet_tenants[0]", "tenant", "", HINT).as_dict()


def test_command_names_file_and_line() -> None:
    (line,) = annotations.commands([IN_A_FILE])
    assert line.startswith("::error file=requests/a.yml,line=3,title=namespaces[1]::")
    assert line.endswith("::requests/a.yml:3: namespaces[1] is 'kube-system': write it plainly")


def test_command_of_what_is_in_no_file() -> None:
    assert annotations.commands([OF_THE_RUN]) == ["::error title=tenant::fleet_tenants[0]: tenant: write it plainly"]


@given(st.text(), st.text(), st.text())
def test_no_text_becomes_a_command_of_its_own(where: str, field: str, value: str) -> None:
    (line,) = annotations.commands([Problem(where, field, value, HINT).as_dict()])
    head, said = line.removeprefix("::error ").split("::", 1)
    assert not {"\n", "\r"} & set(line)
    assert len(head.split(",")) == head.count("=") - sum(part.partition("=")[2].count("=") for part in head.split(","))
    assert said.endswith(HINT)


def test_report_has_what_gitlab_reads() -> None:
    first, second = annotations.report([IN_A_FILE, OF_THE_RUN])
    assert first["location"] == {"path": "requests/a.yml", "lines": {"begin": 3}}
    assert second["location"] == {"path": "fleet_tenants[0]", "lines": {"begin": 1}}
    assert first["description"] == "requests/a.yml:3: namespaces[1] is 'kube-system': write it plainly"
    assert first["severity"] == second["severity"] == "blocker"
    assert first["fingerprint"] != second["fingerprint"]


def test_nothing_wrong_is_an_empty_report() -> None:
    assert annotations.report([]) == []
    assert annotations.commands([]) == []
