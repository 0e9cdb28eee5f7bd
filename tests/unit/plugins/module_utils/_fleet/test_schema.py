# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a request: our own check, and the JSON Schema that comes from the same declaration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import form, schema, structures
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import ROOT, trees
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import HOSTILE, REMOVED, URL, content, small

FILE = ROOT / "roles" / "onboard" / "files" / "request.schema.json"
FULL = content(
    state="present",
    profile="strict",
    quota={"pods": 20, "requests.cpu": "4"},
    limits={"cpu": "500m"},
    decryption={"secret": "sops-age"},
    externalSecrets=[{"name": "login", "store": "vault", "kind": "SecretStore", "key": "a/b", "type": "Opaque"}],
    sources=[
        {
            "name": "deploy",
            "url": URL,
            "secret": "deploy-token",
            "certSecret": "corp-ca",
            "verify": {"mode": "Tag", "secret": "keys", "matchOIDCIdentity": [{"issuer": "^x$", "subject": "y"}]},
            "ignore": ["/*", "!/flux"],
            "recurseSubmodules": True,
            "sparseCheckout": ["flux"],
        }
    ],
    environments={
        "staging": {
            "source": "deploy",
            "ref": {"tag": "v1"},
            "path": "./flux/staging",
            "clusters": ["stg-1"],
            "suspend": True,
            "interval": "10m",
            "retryInterval": "30s",
            "timeout": "1h30m",
            "wait": False,
            "substitute": {"host": "shop.example", "replicas": 3, "debug": True},
            "dependsOn": ["ledger"],
            "decryption": {"secret": "sops-age"},
            "exceptions": {"stg-1": {"ref": {"commit": "0" * 40}, "suspend": False, "substitute": {"host": "x"}}},
            "profile": "open",
        }
    },
)


def faults(value: Any) -> list[schema.Fault]:
    """What our own check says of a request."""
    return list(form.FORM.faults(value, ()))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all values within a value."""
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


def test_file_is_what_the_declaration_gives() -> None:
    assert FILE.read_text(encoding="utf-8") == form.schema_file()


@pytest.fixture(scope="module")
def validator() -> Any:
    """The schema in the hands of a library that knows nothing of us; ``$`` as ECMA-262 means it."""
    jsonschema = pytest.importorskip("jsonschema")
    found = json.loads(FILE.read_text(encoding="utf-8").replace(')$"', ')\\\\Z"').replace(")$)", ")\\\\Z)"))
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("value", [content(), small(), FULL, {"tenant": "a", "state": "absent"}])
def test_right_requests(validator: Any, value: dict[str, Any]) -> None:
    assert faults(value) == []
    assert list(validator.iter_errors(value)) == []


# What a check beyond the schema refuses: the schema alone lets it through.
BEYOND = {
    "key",
    "url",
    "branch",
    "tag",
    "path",
    "team",
    "contact",
    "admin",
    "view",
    "substitute",
    "ignore",
    "sparseCheckout",
    "issuer",
    "subject",
}


@given(st.sampled_from(sorted(paths(FULL), key=str)), trees | st.sampled_from(HOSTILE) | st.just(REMOVED))
@settings(max_examples=1500)
def test_schema_and_check_agree(validator: Any, path: tuple[Any, ...], value: Any) -> None:
    broken = json.loads(json.dumps(FULL))
    place = broken
    for part in path[:-1]:
        place = place[part]
    if value is REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    ours, theirs = bool(faults(broken)), not validator.is_valid(broken)
    if BEYOND.intersection(path):
        assert ours or not theirs, "what the schema refuses we refuse"
    else:
        assert ours == theirs


@given(trees)
def test_check_takes_anything(value: Any) -> None:
    assert faults(value)
    assert all(hint for _path, _value, hint in faults(value))


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({("suorces",): []}, ("suorces",), "did you mean sources?"),
        (
            {("environments", "staging", "cluster"): []},
            ("environments", "staging", "cluster"),
            "did you mean clusters?",
        ),
        ({("x",): 1}, ("x",), "there is no such field (known: tenant,"),
        ({("owner",): REMOVED}, ("owner",), "is missing: Who answers"),
        ({("owner", "team"): REMOVED}, ("owner", "team"), "is missing"),
        ({("owner",): "payments"}, ("owner",), "a mapping, found text"),
        ({("namespaces",): "payments"}, ("namespaces",), "a list, found text"),
        ({("namespaces",): []}, ("namespaces",), "1 to 100 entries, found 0"),
        ({("namespaces",): ["a", "b", "a"]}, ("namespaces", 2), "stands twice"),
        ({("sources",): None}, ("sources",), "is empty: leave the field out, or give a list"),
        ({("profile",): "lax"}, ("profile",), "one of standard, strict, open"),
        ({("state",): True}, ("state",), "one of present, absent"),
        ({("environments", "staging", "suspend"): "yes"}, ("environments", "staging", "suspend"), "true or false"),
        ({("environments", "staging", "ref"): {}}, ("environments", "staging", "ref"), "exactly one of branch, tag"),
        ({("environments", "staging", "ref"): {"tag": 2}}, ("environments", "staging", "ref", "tag"), "in quotes"),
        ({("environments", "base"): {}}, ("environments", "base"), "this name is wrong"),
        ({("quota",): {"pods": -1}}, ("quota", "pods"), "a quantity of Kubernetes"),
        ({("quota",): {"pods": True}}, ("quota", "pods"), "a quantity of Kubernetes"),
        ({("limits",): {"gpu": 1}}, ("limits", "gpu"), "cpu, memory or ephemeral-storage"),
    ],
)
def test_faults(changes: dict[Any, Any], field: tuple[Any, ...], hint: str) -> None:
    found = faults(content(changes))
    assert [path for path, _value, _hint in found] == [field]
    assert hint in found[0][2]


def test_all_faults_at_once() -> None:
    changes = {
        ("tenant",): "Foo_Bar",
        ("owner",): {"tema": "x"},
        ("sources", 0, "url"): "x",
        ("environments", "staging", "path"): "../x",
        ("environments", "production", "ref"): {"semver": "latest", "branch": "a..b"},
    }
    assert len(faults(content(changes))) == 8


@pytest.mark.parametrize("quantity", [0, 20, 1.5, "20", "500m", "4Gi", "1.5", "10k", "1e3", "100Ki"])
def test_quantities(quantity: Any) -> None:
    assert faults(content(quota={"requests.cpu": quantity})) == []


@pytest.mark.parametrize("quantity", ["", "4 Gi", "4gi", "ki", "-1", "1,5", "4GiB", "lots", float("nan"), 1e300, []])
def test_no_quantities(quantity: Any) -> None:
    assert len(faults(content(quota={"requests.cpu": quantity}))) == 1


@pytest.mark.parametrize(
    ("name", "near"),
    [("enviroments", "environments"), ("Tenant", "tenant"), ("envs", ""), ("", ""), ("x" * 10_000, "")],
)
def test_nearest(name: str, near: str) -> None:
    assert structures.nearest(name, list(form.FORM.fields)) == near
