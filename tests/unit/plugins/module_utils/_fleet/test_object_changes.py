# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes of objects, in few words, and nothing secret in them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.masking import masked
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.object_changes import changes
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import MASK
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import mappings

GONE = '{"name": "DB_PASSWORD", "value": "********"}'
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "b", "labels": {"app.kubernetes.io/name": "a"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "x:1",
                "env": [{"name": "ZONE", "value": "a"}, {"name": "DB_PASSWORD", "value": "one"}],
            },
            {"name": "side", "image": "y:1"},
        ],
        "args": ["a", "b"],
    },
}


def lines(after: Any, *before: Any) -> list[str]:
    """What a change from an object (without one: the pod) to another reads like; None where there is none."""
    old, new = ([one] if one else [] for one in (*(before or (POD,)), after))
    return [line for one in changes(old, new) for line in one.lines]


def changed(**fields: Any) -> Any:
    """The pod with another spec, or what else is given."""
    return {**copy.deepcopy(POD), **fields}


def with_container(**fields: Any) -> Any:
    """The pod whose first container is otherwise."""
    pod = copy.deepcopy(POD)
    pod["spec"]["containers"][0] |= fields
    return pod


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (POD, []),
        (None, ["- Pod b/a"]),
        (with_container(image="x:2"), ["~ Pod b/a: spec.containers[main].image: x:1 → x:2"]),
        (with_container(tty=True), ["~ Pod b/a: spec.containers[main].tty: (none) → true"]),
        (
            with_container(env=[{"name": "ZONE", "value": "a"}]),
            [f"~ Pod b/a: spec.containers[main].env[DB_PASSWORD]: {GONE} → (none)"],
        ),
        (
            with_container(env=[{"name": "ZONE", "value": "a"}, {"name": "DB_PASSWORD", "value": "two"}]),
            ["~ Pod b/a: spec.containers[main].env[DB_PASSWORD].value: ******** → ********"],
        ),
        (
            changed(spec={**POD["spec"], "args": ["a", "c"]}),
            ["~ Pod b/a: spec.args[1]: b → c"],
        ),
        (
            changed(spec={**POD["spec"], "args": ["a"]}),
            ['~ Pod b/a: spec.args: ["a", "b"] → ["a"]'],
        ),
        (
            changed(metadata={**POD["metadata"], "labels": {"app.kubernetes.io/name": "b"}}),
            ["~ Pod b/a: metadata.labels[app.kubernetes.io/name]: a → b"],
        ),
        (
            changed(metadata={**POD["metadata"], "name": "other"}),
            ["+ Pod b/other", "- Pod b/a"],
        ),
        (changed(spec={**POD["spec"], "args": "1"}), ['~ Pod b/a: spec.args: ["a", "b"] → 1']),
        (
            changed(spec={**POD["spec"], "note": "x" * 100}),
            [f"~ Pod b/a: spec.note: (none) → {'x' * 71}…"],
        ),
    ],
)
def test_words(after: Any, words: list[str]) -> None:
    assert lines(after) == words


def test_text_of_several_lines_is_counted() -> None:
    before, after = (
        {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"f": text}} for text in ("a\nb\n", "a\nc\nd\n")
    )
    assert lines(after, before) == ["~ ConfigMap a: data.f: text of 3 lines, 2 new, 1 gone"]


@given(mappings, mappings)
def test_the_same_is_no_change_and_a_change_is_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    one, other = (
        {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "a"}, "spec": spec} for spec in (before, after)
    )
    assert changes([one], [copy.deepcopy(one)]) == ()
    assert bool(changes([one], [other])) == (one != other)


@pytest.mark.parametrize("kind", ["data", "stringData"])
def test_values_of_secrets_are_seen_nowhere(kind: str) -> None:
    before, after = (
        {"kind": "Secret", "metadata": {"name": "a"}, kind: {"plain": value}} for value in ("old1", "new1")
    )
    (one,) = changes([before], [after])
    assert one.lines == [f"~ Secret a: {kind}.plain: {MASK} → {MASK}"]
    told = json.dumps(one.as_dict())
    assert "old1" not in told
    assert "new1" not in told


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        (["spec", "values", "adminPassword"], "x", MASK),
        (["spec", "values", "auth", "client-secret"], "x", MASK),
        (["spec", "values", "API_KEY"], 7, MASK),
        (["spec", "values", "credentials"], {"user": "u", "enabled": True}, {"user": MASK, "enabled": True}),
        (["spec", "values", "existingSecretName"], "x", "x"),
        (["spec", "secretRef", "name"], "x", "x"),
        (["spec", "imagePullSecrets"], [{"name": "robot"}], [{"name": "robot"}]),
        (["spec", "automountServiceAccountToken"], False, False),
        (["spec", "url"], "https://me:word@host/x", f"https://me:{MASK}@host/x"),
        (["spec", "dsn"], "password=word user=me", MASK),
        (["spec", "line"], "password=word user=me", f"password={MASK} user=me"),
        (["spec", "replicas"], 3, 3),
    ],
)
def test_what_is_secret_by_its_name(path: list[str], value: Any, seen: Any) -> None:
    assert masked("HelmRelease", path, value) == seen
