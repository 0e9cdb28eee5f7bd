# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in clear in a repository is found where it stands, and its value is not said."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import plain_secrets
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

CANARY = "hunter2-canary"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: door, namespace: house}}\nstringData: {{key: {CANARY}}}\n"
SEALED = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: door}\n"
    "data: {key: 'ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]', none: ''}\nsops: {mac: x, age: []}\n"
)
FINDS = {
    "an object": (SECRET, 2, "Secret house/door: key"),
    "behind others": (f"kind: ConfigMap\n---\n# a door\n{SECRET}", 5, "Secret house/door: key"),
    "in a list": ('{"kind": "List", "items": [\n{"kind": "Secret", "data": {"a": "YQ=="}}]}', 2, "without a name: a"),
    "in flow style": ("{kind: 'Secret', data: {a: YQ==}}", 1, "without a name: a"),
    "with a tag": (f"kind: !!str Secret\ndata: {{a: {CANARY}}}", 1, "without a name: a"),
    "beside what is encrypted": (SEALED.replace("none: ''", f"added: {CANARY}"), 2, "Secret door: added"),
    "that looks encrypted": (SEALED.replace("sops: ", "other: "), 2, "Secret door: key, none"),
    "as a patch": (
        "patches:\n- patch: |\n" + "".join(f"    {line}\n" for line in SECRET.splitlines()),
        4,
        "house/door",
    ),
    "as a JSON patch": (
        f"patches:\n- target: {{kind: Secret, name: door}}\n  patch: '[{{op: add, path: /data/a, value: {CANARY}}}]'\n",
        3,
        "patch of Secret door: /data/a",
    ),
    "as a generator": (f"secretGenerator:\n- name: door\n  literals:\n  - key={CANARY}\n", 4, "door: literals"),
}
FREE = {
    "encrypted": SEALED,
    "without values": "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata: {name: x}\n",
    "another kind": "kind: SecretStore\nspec: {kind: Secret}\n",
    "a reference": "kind: Provider\nspec: {secretRef: {name: Secret}, from: {kind: Secret, name: x}}\n",
    "no YAML, such as a chart's": "kind: Secret\ndata: {{ .Values.all }}\n  a: b\n",
    "a patch of something else": "patches: [{target: {kind: Secret}, patch: '[{op: remove, path: /data/a}]'}]\n",
}


@pytest.mark.parametrize("case", FINDS)
def test_it_is_found_with_its_line(case: str) -> None:
    text, line, what = FINDS[case]
    (found,) = plain_secrets.in_files(Files({"apps/door.yaml": text}), ["apps/door.yaml"])
    assert found.where == f"apps/door.yaml:{line}"
    assert what in found.field
    assert CANARY not in str(found)


@pytest.mark.parametrize("case", FREE)
def test_what_is_no_secret_in_clear_is_left_alone(case: str) -> None:
    assert not plain_secrets.in_files(Files({"a.yaml": FREE[case]}), ["a.yaml"])


def test_a_generator_may_have_what_is_encrypted() -> None:
    generator = "secretGenerator:\n- name: door\n  files: [door.key=../key.txt]\n  envs: [door.env]\n"
    files = {
        "apps/kustomization.yaml": generator,
        "key.txt": '{"data": "ENC[x]", "sops": {}}',
        "apps/door.env": "A=b\n",
    }
    (found,) = plain_secrets.in_files(Files(files), ["apps/kustomization.yaml"])
    assert found.field == "secretGenerator door: key.txt, apps/door.env"
    files["apps/door.env"] = "A=ENC[x]\nsops_mac=ENC[y]\n"
    assert not plain_secrets.in_files(Files(files), ["apps/kustomization.yaml"])


def test_the_word_lets_it_pass() -> None:
    files = Files({"a.yaml": SECRET})
    assert plain_secrets.in_files(files, ["a.yaml"])
    assert not plain_secrets.in_files(files, ["a.yaml"], [plain_secrets.ALLOW_PLAIN])
    assert plain_secrets.in_rendered(SECRET, "tenant.yaml.j2")
    assert not plain_secrets.in_rendered(SECRET, "tenant.yaml.j2", [plain_secrets.ALLOW_PLAIN])


def test_an_alias_to_itself_ends() -> None:
    assert not plain_secrets.in_files(Files({"a.yaml": "&a [*a, {kind: Secret}]"}), ["a.yaml"])


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), min_size=1), st.booleans(), st.integers(0, 2))
def test_whatever_is_written_as_a_value(data: dict[str, str], as_json: bool, depth: int) -> None:
    node: object = {"apiVersion": "v1", "kind": "Secret", "data": data}
    for _level in range(depth):
        node = {"items": [node]}
    text = json.dumps(node) if as_json else yaml.safe_dump(node)
    (found,) = plain_secrets.in_rendered(text, "there")
    assert "Secret without a name" in found.field
