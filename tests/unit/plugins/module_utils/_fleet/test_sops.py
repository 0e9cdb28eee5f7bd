# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can read what is encrypted: the rules, in a file that people share with us."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import age, documents, onboarding
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.publication import Wishes, plan_clusters
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.sops import BEGIN, END, FILE, Sops
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.template import Renderer
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import MANIFEST, TEMPLATES, Files, cluster
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import FLEET as REPOSITORY
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import TEMPLATES as TENANT_TEMPLATES
from ansible_collections.fluxops.fleet.tests.unit.plugins.tenant_samples import scope, small, tenant

FLEET, STAGING, PRODUCTION, TEAM = (age.encode(age.RECIPIENT, bytes([one]) * 32) for one in range(4))


def sops(**given: Any) -> Sops:
    """What an inventory says."""
    return Sops.from_params({"age": [], "environments": {}, "tenants": {}, "secret": "sops-age", **given})


WHOLE = sops(
    age=[FLEET], environments={"staging": [STAGING], "production": [PRODUCTION]}, tenants={"payments": [TEAM, FLEET]}
)


def readers(text: str, path: str) -> list[str]:
    """Whom SOPS encrypts a new file for: the first rule that fits, as it looks for it."""
    rules = yaml.safe_load(text)["creation_rules"]
    found = next((one for one in rules if re.search(one["path_regex"], path)), {"age": ""})
    return found["age"].split(",")


def written(before: str | None, wanted: Sops = WHOLE) -> str:
    """The file after a run."""
    snapshot = Files({} if before is None else {FILE: before})
    (change,) = wanted.change(snapshot, Layout()) or [None]
    return change.after or "" if change else before or ""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("projects/staging/payments/extra/door.yaml", [FLEET, STAGING, TEAM]),
        ("projects/qa/payments/extra/door.yaml", [FLEET, TEAM]),
        ("infrastructure/production/x/y.yaml", [FLEET, PRODUCTION]),
        ("infrastructure/base/x.yaml", [FLEET, PRODUCTION, STAGING]),
        ("projects/staging/payments-jobs/door.yaml", [""]),
        ("mine/infrastructure/staging/x.yaml", [""]),
    ],
)
def test_the_first_rule_that_fits(path: str, wanted: list[str]) -> None:
    assert readers(written(None), path) == wanted


def test_only_values_are_encrypted() -> None:
    assert {one["encrypted_regex"] for one in yaml.safe_load(written(None))["creation_rules"]} == {
        "^(data|stringData)$"
    }


def test_second_run_does_nothing() -> None:
    assert not WHOLE.change(Files({FILE: written(None)}), Layout())


def test_peoples_own_rules_stay() -> None:
    before = (
        f"# ours\nstores: {{yaml: {{indent: 2}}}}\ncreation_rules:\n    - age: x   # first\n    {BEGIN}\n    {END}\n"
    )
    before += "    - path_regex: ^mine/\n      pgp: ABC"
    after = written(before)
    assert readers(after.replace("age: x ", "path_regex: ^no$ "), "infrastructure/base/x.yaml")[0] == FLEET
    for line in before.splitlines():
        assert line in after.splitlines()
    fewer = written(after, sops(age=[FLEET]))
    assert fewer.count("path_regex") == 2
    assert TEAM not in fewer


def test_a_file_without_our_marks_is_peoples() -> None:
    assert not WHOLE.change(Files({FILE: "creation_rules: []\n"}), Layout())


def test_nothing_is_said_where_nothing_is_asked() -> None:
    assert not sops().change(Files({FILE: written(None)}), Layout())
    assert not Sops.from_params(None).decryption


@pytest.mark.parametrize("broken", [f"{BEGIN}\n{BEGIN}\n{END}\n", f"{END}\n{BEGIN}\n", f"a: b\n{BEGIN}\n{END}\n"])
def test_marks_that_leave_no_room(broken: str) -> None:
    with pytest.raises(InvalidInput, match=r"mend these lines|YAML"):
        WHOLE.change(Files({FILE: broken}), Layout())


def test_whose_key_decrypts_what() -> None:
    assert WHOLE.decryption == "sops-age"
    assert WHOLE.tenant_decryption("payments") == "sops-age-payments"
    assert WHOLE.tenant_decryption("shop") == ""
    assert sops(tenants={"shop": [TEAM]}).decryption == ""


def test_all_that_is_wrong_is_named_and_no_key_is_shown() -> None:
    secret = age.encode(age.IDENTITY, b"x" * 32)
    with pytest.raises(InvalidInput) as caught:
        sops(age=[secret], environments={"Staging": ["age1x"], "qa": "text", "prod": []}, secret="A b")
    said = {(one.field, one.value) for one in caught.value.problems}
    assert {field for field, _value in said} == {
        "fleet_sops.age[0]", "fleet_sops.environments", "fleet_sops.environments.Staging[0]",
        "fleet_sops.environments.qa", "fleet_sops.environments.prod", "fleet_sops.secret",
    }  # fmt: skip
    assert secret not in str(caught.value)


def test_bootstrap_writes_it_and_changes_it_by_a_commit_of_its_own() -> None:
    one = cluster("stg-1")
    wishes = Wishes([one], {one.distribution: MANIFEST}, Renderer(TEMPLATES), sops=WHOLE)
    first = {change.path: change.after for change in plan_clusters(wishes, Files({})).plan.changes}
    assert first[FILE] == written(None)
    later = {**first, FILE: f"creation_rules:\n  {BEGIN}\n  {END}\n"}
    found = plan_clusters(wishes, Files(later))  # type: ignore[arg-type]
    assert found.plan.paths == [FILE]
    assert found.message.splitlines()[0] == "say who can read what is encrypted"


def test_onboarding_writes_it_too_and_gives_a_tenant_its_own_key_alone() -> None:
    decryption = {name: WHOLE.tenant_decryption(name) for name in WHOLE.tenants}
    renderer = Renderer(TENANT_TEMPLATES, decryption=decryption)
    asking = [tenant(small("payments")), tenant(small("shop"))]
    found = onboarding.plan_onboarding(onboarding.Onboarding(scope(), asking, renderer, sops=WHOLE), Files(REPOSITORY))
    after = {change.path: change.after or "" for change in found.plan.changes}
    assert after[FILE] == written(None)
    syncs = {path: documents.read(text, path)[0] for path, text in after.items() if "/sync/" in path}
    secrets = {one["metadata"]["name"]: one["spec"].get("decryption") for one in syncs.values()}
    assert secrets == {
        "tenant-payments": {"provider": "sops", "secretRef": {"name": "sops-age-payments"}},
        "tenant-shop": None,
    }
    alone = onboarding.plan_onboarding(onboarding.Onboarding(scope(), [], renderer, sops=WHOLE), Files(REPOSITORY))
    assert alone.message.splitlines()[0] == "say who can read what is encrypted"
