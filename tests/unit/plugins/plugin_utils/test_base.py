# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base action's border: what comes from Ansible is plain before anything of ours sees it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
import yaml
from ansible.module_utils._internal._datatag import AnsibleTaggedObject, AnsibleTagHelper
from ansible.module_utils.datatag import deprecate_value
from ansible.template import trust_as_template
from hypothesis import given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.plugin_utils._base import native, without_none
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None


def tagged(value: Any) -> Any:
    """The value as ansible-core hands it over: every container and scalar in it tagged."""
    if isinstance(value, dict):
        value = {tagged(key): tagged(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [tagged(item) for item in value]
    if Origin is not None:
        value = AnsibleTagHelper.try_tag(value, Origin(path="/inventory/hosts.yml", line_num=1))
    return trust_as_template(value) if isinstance(value, str) else value


def is_plain(value: Any) -> bool:
    """Whether a tree is made of Python's own types, not of types derived from them."""
    if type(value) not in (str, int, float, bool, dict, list, type(None)):
        return False
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return all(is_plain(part) for part in parts)


def test_tagged_makes_what_pyyaml_cannot_write() -> None:
    value = tagged({"a": "x"})
    assert isinstance(value["a"], AnsibleTaggedObject)
    assert not is_plain(value)
    with pytest.raises(yaml.representer.RepresenterError):
        yaml.safe_dump(value["a"])


@given(mappings)
def test_native_any_tree_is_plain_and_the_same(tree: dict[str, Any]) -> None:
    found = native(tagged(tree))
    assert is_plain(found)
    assert json.dumps(found) == json.dumps(tree)
    assert documents.read(documents.write([found]), "x") == documents.read(documents.write([tree]), "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (tagged("x"), "x"),
        (tagged(7), 7),
        (tagged(1.5), 1.5),
        (tagged([1, ["x"]]), [1, ["x"]]),
        (tagged({"a": {"b": [True, None]}}), {"a": {"b": [True, None]}}),
        (deprecate_value("x", msg="old", version="9.0.0"), "x"),
        (deprecate_value(7, msg="old", version="9.0.0"), 7),
        ((1, "x"), [1, "x"]),
        (True, True),
        (None, None),
        (datetime.date(2026, 11, 22), "2026-11-22"),
        (tagged(datetime.date(2026, 11, 22)), "2026-11-22"),
    ],
)
def test_native_truth_table(value: Any, expected: Any) -> None:
    found = native(value)
    assert is_plain(found)
    assert (type(found), found) == (type(expected), expected)


def test_options_that_nobody_gave_are_left_out_at_any_depth() -> None:
    own = {"type": "dict", "options": {"choice": {"choices": ["a"]}, "free": {"type": "dict"}}}
    specification = {"one": own, "many": {"type": "list", "elements": "dict", **own}, "plain": {"type": "str"}}
    inner = {"choice": None, "free": {"theirs": None}}
    found = without_none({"one": inner, "many": [inner, {"choice": "a"}], "plain": None}, specification)
    assert found == {"one": {"free": {"theirs": None}}, "many": [{"free": {"theirs": None}}, {"choice": "a"}]}
