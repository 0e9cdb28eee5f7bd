# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig is read for one context."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import kubeconfig

NAMES = ("a", "b", "007")


def config() -> dict[str, Any]:
    """Three clusters, each with a user and a context of its own."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": f"cluster-{name}", "cluster": {"server": f"https://{name}"}} for name in NAMES],
        "users": [{"name": f"user-{name}", "user": {"token": f"token-{name}"}} for name in NAMES],
        "contexts": [
            {"name": name, "context": {"cluster": f"cluster-{name}", "user": f"user-{name}", "namespace": "x"}}
            for name in NAMES
        ],
        "current-context": "b",
    }


@pytest.mark.parametrize(("context", "name"), [(None, "b"), ("a", "a"), ("007", "007")])
def test_read_has_what_the_context_names(context: str | None, name: str) -> None:
    whole = config()
    found = kubeconfig.read(yaml.safe_dump(whole), context)
    index = NAMES.index(name)
    assert found == {**whole, **{one: [whole[one][index]] for one in ("clusters", "users", "contexts")}}
    assert kubeconfig.chosen(found, context) == kubeconfig.chosen(whole, context)


def test_read_resolves_aliases_and_merge_keys_of_what_is_left_out() -> None:
    text = """
clusters:
  - {name: one, cluster: &common {server: "https://one", insecure-skip-tls-verify: true}}
  - {name: two, cluster: {<<: *common, server: "https://two"}}
contexts: [{context: {cluster: two, user: nobody}, name: second}]
"""
    cluster, user = kubeconfig.chosen(kubeconfig.read(text, "second"), "second")
    assert cluster == {"server": "https://two", "insecure-skip-tls-verify": True}
    assert user == {}


def test_read_keeps_entries_of_one_name_for_the_client_to_refuse() -> None:
    whole = config()
    whole["clusters"] *= 2
    assert len(kubeconfig.read(yaml.safe_dump(whole), "a")["clusters"]) == 2


@pytest.mark.parametrize("text", ["", "[]", "some text", "--- {}\n--- {}"])
def test_read_refuses_what_is_no_mapping(text: str) -> None:
    with pytest.raises((ValueError, yaml.YAMLError)):
        kubeconfig.read(text, None)


@pytest.mark.parametrize("sections", ["contexts: 7", "contexts: [7, {name: a}]", "contexts: [{name: a, context: 7}]"])
def test_read_leaves_what_is_no_kubeconfig_to_the_client(sections: str) -> None:
    assert "contexts" in kubeconfig.read(f"clusters: []\n{sections}\n", "a")
