# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tenants' sources pull with on clusters, as the fleet repository says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents, source_keys
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import CLUSTER_FACTS, Layout
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.source_keys import Wish
from ansible_collections.fluxops.fleet.tests.unit.plugins.samples import Files

LAYOUT = Layout()


def cluster_file(environment: str) -> str:
    facts = {"cluster_name": "x", "cluster_environment": environment}
    return documents.write_owned([{"kind": "ConfigMap", "metadata": {"name": CLUSTER_FACTS}, "data": facts}])


def source(tenant: str, name: str, kind: str = "GitRepository", *, generated: bool, secret: str = "") -> dict[str, Any]:
    about = {"annotations": {"fleet.fluxops.io/credential": "generated"}} if generated else {}
    spec = {"url": f"ssh://git@h/{tenant}/{name}.git"} | ({"secretRef": {"name": secret}} if secret else {})
    return {"kind": kind, "metadata": {"name": name, "namespace": tenant, **about}, "spec": spec}


def tenant_files(tenant: str, *sources: dict[str, Any], environment: str = "staging") -> dict[str, str]:
    return {
        LAYOUT.sync_file(environment, tenant): "",
        LAYOUT.tenant_file(environment, tenant): documents.write_owned(list(sources)),
    }


REPOSITORY = Files(
    {
        "clusters/stg-1/cluster.yaml": cluster_file("staging"),
        "clusters/stg-2/cluster.yaml": cluster_file("staging"),
        "clusters/prd-1/cluster.yaml": cluster_file("production"),
        **tenant_files(
            "payments",
            source("payments", "deploy", generated=True, secret="source-deploy"),
            source("payments", "charts", "HelmRepository", generated=False, secret="corp-charts"),
            source("payments", "open", "OCIRepository", generated=False),
            {"kind": "Provider", "metadata": {"name": "chat"}, "spec": {"secretRef": {"name": "hook"}}},
        ),
        **tenant_files("ledger", source("ledger", "deploy", generated=False, secret="from-a-store")),
        LAYOUT.own_sync_file("staging", "stg-2", "chosen"): "",
        LAYOUT.tenant_file("staging", "chosen"): documents.write_owned(
            [source("chosen", "deploy", generated=True, secret="source-deploy")]
        ),
    }
)


def test_keys_that_are_made_are_told_from_secrets_that_are_given() -> None:
    found = source_keys.read(Wish(["stg-1", "stg-2", "prd-1"]), REPOSITORY)
    tenants = {name: [key["tenant"] for key in one.source_keys] for name, one in found.items()}
    assert tenants == {"stg-1": ["payments"], "stg-2": ["chosen", "payments"], "prd-1": []}
    assert [dict(key) for key in found["stg-1"].source_keys] == [
        {
            "tenant": "payments",
            "namespace": "payments",
            "secret": "source-deploy",
            "source": "deploy",
            "url": "ssh://git@h/payments/deploy.git",
        }
    ]
    given = [(one["tenant"], one["kind"], one["source"], one["secret"]) for one in found["stg-1"].given]
    assert given == [
        ("ledger", "GitRepository", "deploy", "from-a-store"),
        ("payments", "HelmRepository", "charts", "corp-charts"),
    ]
    assert found["stg-1"].as_dict()["given"][0]["namespace"] == "ledger"


def test_those_that_are_left_are_told_once() -> None:
    found = source_keys.read(Wish(["stg-1", "stg-2"]), REPOSITORY)
    assert source_keys.told(found.values()) == (
        "left as they are, since their Secrets are given: ledger (GitRepository deploy: Secret from-a-store), "
        "payments (HelmRepository charts: Secret corp-charts)"
    )
    assert source_keys.told(source_keys.read(Wish(["prd-1"]), REPOSITORY).values()) == ""


def test_one_tenant_alone() -> None:
    found = source_keys.read(Wish(["stg-1", "prd-1"], "payments"), REPOSITORY)
    assert [key["tenant"] for key in found["stg-1"].source_keys] == ["payments"]
    assert [one["tenant"] for one in found["stg-1"].given] == ["payments"]
    assert found["prd-1"].source_keys == []


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(["stg-1", "stg-3"]), "stg-3: cluster is 'stg-3': the repository does not have this cluster"),
        (
            Wish(["stg-1"], "chosen"),
            "fleet_tenant is 'chosen': is on none of the clusters of this run: there are ledger, payments",
        ),
        (Wish(["prd-1"], "payments"), "there is none"),
    ],
)
def test_who_is_unknown_is_named(wish: Wish, said: str) -> None:
    with pytest.raises(InvalidInput, match="1 problem") as found:
        source_keys.read(wish, REPOSITORY)
    assert said in str(found.value)


def test_a_file_that_nobody_can_read_asks_for_nothing() -> None:
    files = {**REPOSITORY.files, LAYOUT.tenant_file("staging", "payments"): "{", "clusters/stg-2/cluster.yaml": "- 1\n"}
    found = source_keys.read(Wish(["stg-1"]), Files(files))
    assert (found["stg-1"].source_keys, len(found["stg-1"].given)) == ([], 1)
    with pytest.raises(InvalidInput, match="stg-2"):
        source_keys.read(Wish(["stg-2"]), Files(files))
