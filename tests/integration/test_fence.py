# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fences tenants in, on a real cluster: rights of each role, what requests change, extra/, admission policies."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.rights import READING, VERBS
from tests.integration.clusters import Cluster
from tests.integration.conftest import Grounds
from tests.integration.project import STAGING, eventually
from tests.integration.teams import Teams

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
ALLOWED = "https://git.example/public-*/**"
ACCOUNT = "system:serviceaccount:fenced:fleet-tenant"
RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": [*VERBS]},
    {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": [*READING]},
]
OTHERS: dict[str, dict[str, Any]] = {
    "strictly": {"profile": "strict", "labels": {"corp.example/cost-center": "4711"}, "annotations": {"x": "a: b"}},
    "adminly": {"role": "admin", "network": "closed"},
    "ownly": {"rules": RULES, "podSecurity": "restricted", "notifications": [{"name": "chat", "provider": "slack"}]},
}
NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "namespace": "fenced"}}
EXTRA = {
    "note.yaml": NOTE,
    "deep/kustomization.yaml": {"resources": ["more.yaml"], "namePrefix": "deep-"},
    "deep/more.yaml": NOTE,
}


class Story:
    """A fleet whose API holds tenants to what is allowed, and tenants in it."""

    def __init__(self, grounds: Grounds, teams: Teams) -> None:
        self.project, self.cluster, self.teams = grounds.fleet(), grounds.clusters[STAGING], teams
        url = teams.deployment("web")
        place = {"source": "deploy", "ref": {"branch": "main"}, "path": "./flux/staging"}
        self.request = teams.request("fenced", url, environments={"staging": place})
        fields = [self.request, *({**self.request, "tenant": name, **more} for name, more in OTHERS.items())]
        self.requests = teams.write(*fields)
        self.caps = {"sources": [ALLOWED, url.rpartition("/")[0] + "/*"]}

    def run(self, playbook: str, **variables: Any) -> None:
        variables.setdefault("fleet_tenant_caps", self.caps)
        run = self.project.run("--limit", STAGING, playbook=playbook, fleet_tenant_admission=True, **variables)
        assert run.code == 0, run.output


@pytest.fixture(scope="module")
def story(grounds: Grounds, teams: Teams) -> Iterator[Story]:
    made = Story(grounds, teams)
    made.run("bootstrap")
    made.project.commit({f"projects/staging/fenced/extra/{name}": yaml.safe_dump(one) for name, one in EXTRA.items()})
    made.run("onboard", fleet_requests=made.requests)
    yield made
    grounds.forget()


# What a tenant's account may do at home, by role: standard and strict (both fleet-tenant), admin, own rules.
ROLES = ("fenced", "strictly", "adminly", "ownly")
APPS, NETWORKS, RBAC = "deployments.apps", "networkpolicies.networking.k8s.io", "rolebindings.rbac.authorization.k8s.io"
FLUX = "toolkit.fluxcd.io"
RIGHTS = {
    f"create {APPS}": "yyyy",
    f"deletecollection {APPS}": "yyyy",
    "patch statefulsets.apps": "yyyn",
    "create jobs.batch": "yyyn",
    "create configmaps": "yyyn",
    "get secrets": "yyyy",
    "create secrets": "yyyn",
    "delete persistentvolumeclaims": "yyyn",
    "create services": "yyyn",
    "create ingresses.networking.k8s.io": "yyyn",
    "create serviceaccounts": "yyyn",
    "list pods": "yyyy",
    "create pods --subresource=exec": "yyyn",
    f"create kustomizations.kustomize.{FLUX}": "yyyn",
    f"create helmreleases.helm.{FLUX}": "yyyn",
    f"create gitrepositories.source.{FLUX}": "yyyn",
    f"create alerts.notification.{FLUX}": "yyyn",
    f"get {NETWORKS}": "yyyn",
    "get resourcequotas": "yyyn",
    "get limitranges": "yyyn",
    f"create {NETWORKS}": "nnyn",
    f"patch {NETWORKS}": "nnyn",
    f"delete {NETWORKS}": "nnyn",
    f"create {RBAC}": "nnyn",
    f"delete {RBAC}": "nnyn",
    "escalate roles.rbac.authorization.k8s.io": "nnnn",
    "bind clusterroles.rbac.authorization.k8s.io": "nnnn",
    "impersonate serviceaccounts": "nnyn",
    "create serviceaccounts --subresource=token": "nnyn",
    "create pods --subresource=ephemeralcontainers": "nnnn",
    "create pods --subresource=binding": "nnnn",
    "update endpoints": "nnnn",
    "create endpointslices.discovery.k8s.io": "nnnn",
    "update resourcequotas": "nnnn",
    "delete resourcequotas": "nnnn",
    "patch limitranges": "nnnn",
    "patch namespaces": "nnnn",
}
# Beyond it, whatever the role: "-" is the whole cluster.
BEYOND = {
    "get secrets": ["flux-system", "kube-system", "fenced-no-more", "-"],
    f"create {APPS}": ["default", "flux-system"],
    f"patch kustomizations.kustomize.{FLUX}": ["flux-system"],
    f"list gitrepositories.source.{FLUX}": ["flux-system"],
    "create clusterrolebindings.rbac.authorization.k8s.io": ["-"],
    "create customresourcedefinitions.apiextensions.k8s.io": ["-"],
    "delete namespaces": ["-"],
    "list nodes": ["-"],
}


def review(tenant: str, action: str, space: str) -> dict[str, Any]:
    """The question whether a tenant's account may do this; ``-`` is the whole cluster."""
    verb, named, *more = action.split()
    resource, _dot, group = named.partition(".")
    below = more[0].removeprefix("--subresource=") if more else ""
    where = {"namespace": "" if space == "-" else space, "group": group, "resource": resource, "subresource": below}
    asked = {"verb": verb, **where}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{tenant}", "system:authenticated"]
    spec = {"user": f"system:serviceaccount:{tenant}:fleet-tenant", "groups": groups, "resourceAttributes": asked}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def may(cluster: Cluster, tenant: str, *asked: tuple[str, str]) -> list[bool]:
    """Whether a tenant's account may do these, each in its namespace, by the API server's own reviews."""
    text = yaml.safe_dump_all(review(tenant, *one) for one in asked)
    told = cluster.kubectl("create", "-f", "-", "-o", 'jsonpath={.status.allowed}{"\\n"}', text=text).split()
    assert len(told) == len(asked)
    return [one == "true" for one in told]


@pytest.mark.parametrize("tenant", ROLES)
def test_rights_of_each_role(story: Story, tenant: str) -> None:
    answers = may(story.cluster, tenant, *((action, tenant) for action in RIGHTS))
    wanted = {action: row[ROLES.index(tenant)] == "y" for action, row in RIGHTS.items()}
    assert dict(zip(RIGHTS, answers, strict=True)) == wanted
    others = [(action, space) for action, spaces in BEYOND.items() for space in [*spaces, *ROLES] if space != tenant]
    found = zip(others, may(story.cluster, tenant, *others), strict=True)
    assert [one for one, allowed in found if allowed] == []


def test_what_differs_from_the_profile(story: Story) -> None:
    spaces = {name: story.cluster.get("namespace", name)["metadata"] for name in ROLES}
    enforced = {name: one["labels"]["pod-security.kubernetes.io/enforce"] for name, one in spaces.items()}
    assert enforced == {"fenced": "baseline", "strictly": "restricted", "adminly": "baseline", "ownly": "restricted"}
    assert spaces["strictly"]["labels"]["corp.example/cost-center"] == "4711"
    assert spaces["strictly"]["annotations"]["x"] == "a: b"
    closed = {name: len(story.cluster.get("networkpolicies", "-n", name) or []) for name in ROLES}
    assert closed == {"fenced": 0, "strictly": 4, "adminly": 4, "ownly": 0}
    (alert,) = story.cluster.get("alerts.notification.toolkit.fluxcd.io", "-n", "ownly")
    assert alert["spec"]["providerRef"] == {"name": "fleet-chat"}


def test_what_people_keep_is_applied_with_the_tenant(story: Story) -> None:
    assert story.cluster.get("configmap", "-n", "fenced", "extra")
    assert story.cluster.get("configmap", "-n", "fenced", "deep-extra")


def test_another_role_takes_the_place_of_the_first(story: Story) -> None:
    """And what people keep, and Flux could not apply, is refused before anything is written."""
    changed = story.teams.write({**story.request, "tenant": "adminly"})
    story.run("onboard", fleet_requests=changed)
    asked = [(f"delete {NETWORKS}", "adminly"), (f"create gitrepositories.source.{FLUX}", "adminly")]
    eventually(lambda: may(story.cluster, "adminly", *asked) == [False, True], "the other binding is gone")
    story.project.edit("projects/staging/adminly/extra/base.yaml", "a: {")
    refused = story.project.run("--limit", STAGING, playbook="onboard", fleet_requests=changed)
    assert refused.code != 0
    assert "projects/staging/adminly/extra/base.yaml: YAML:" in refused.words


def dry_run(cluster: Cluster, one: dict[str, Any], user: str = "") -> str:
    """What the API server has against an object; empty where it would take it."""
    who = [f"--as={user}"] if user else []
    command = [*cluster._command, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", *who]
    done = subprocess.run(command, input=yaml.safe_dump(one), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def an(kind: str, version: str, spec: dict[str, Any], space: str = "fenced") -> dict[str, Any]:
    """An object of Flux's in a namespace."""
    group = {"Kustomization": "kustomize", "HelmRelease": "helm", "Alert": "notification", "Receiver": "notification"}
    api = f"{group.get(kind, 'source')}.toolkit.fluxcd.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": space}, "spec": spec}


def git(url: str, space: str = "fenced") -> dict[str, Any]:
    return an("GitRepository", "v1", {"interval": "5m", "url": url}, space)


def sync(space: str = "fenced", **spec: Any) -> dict[str, Any]:
    source = {"kind": "GitRepository", "name": "deploy"}
    whole = {"interval": "5m", "prune": True, "serviceAccountName": "fleet-tenant", "sourceRef": source, **spec}
    return an("Kustomization", "v1", {name: one for name, one in whole.items() if one}, space)


def release(**spec: Any) -> dict[str, Any]:
    chart = {"spec": {"chart": "x", "sourceRef": {"kind": "HelmRepository", "name": "x"}}}
    whole = {"interval": "5m", "serviceAccountName": "fleet-tenant", "chart": chart, **spec}
    return an("HelmRelease", "v2", {name: one for name, one in whole.items() if one})


TOKEN = "kubernetes.io/service-account-token"
BUCKET = {"interval": "5m", "bucketName": "b", "endpoint": "git.example"}
CROSSING = {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}
ALERT = {"providerRef": {"name": "x"}, "eventSources": [CROSSING]}
RECEIVER = {"type": "generic", "secretRef": {"name": "x"}, "resources": [CROSSING]}
ADMITTED = {
    "an allowed source": git("https://git.example/public-a/b.git"),
    "a chart's allowed source": an("HelmRepository", "v1", {"interval": "5m", "url": "https://git.example/public-a/b"}),
    "a Secret": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "fenced"}},
    "a sync": sync(),
    "a sync that says its own namespace": sync(sourceRef={"kind": "GitRepository", "name": "x", "namespace": "fenced"}),
    "a release": release(),
    "events of its own": an("Alert", "v1beta3", {**ALERT, "eventSources": [{"kind": "Kustomization", "name": "*"}]}),
}
DENIED = {
    "another source": (git("https://git.example/private/b.git"), "spec.url is https://git.example/private/b.git"),
    "a source that climbs": (
        git("https://git.example/public-a/../private/b"),
        "spec.url is https://git.example/public",
    ),
    "charts from elsewhere": (
        an("HelmRepository", "v1", {"interval": "5m", "type": "oci", "url": "oci://ghcr.example/charts"}),
        "spec.url is oci://ghcr.example/charts",
    ),
    "an artifact": (
        an("OCIRepository", "v1", {"interval": "5m", "url": "oci://ghcr.example/a"}),
        f"the fleet allows {ALLOWED}",
    ),
    "a bucket": (an("Bucket", "v1", BUCKET), "spec.endpoint is https://git.example/b"),
    "a sync as nobody": (sync(serviceAccountName=None), "spec.serviceAccountName is missing"),
    "a release as nobody": (release(serviceAccountName=None), "spec.serviceAccountName is missing"),
    "the fleet's own source": (sync(sourceRef=CROSSING), "spec.sourceRef refers to another namespace"),
    "another's chart": (
        release(chart={"spec": {"chart": "x", "sourceRef": CROSSING}}),
        "spec.chart.spec.sourceRef refers to another namespace",
    ),
    "another's artifact": (
        release(chart=None, chartRef={**CROSSING, "kind": "OCIRepository"}),
        "spec.chartRef refers to another namespace",
    ),
    "another's events": (an("Alert", "v1beta3", ALERT), "spec.eventSources refers to another namespace"),
    "a token that never ends": (
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "x",
                "namespace": "fenced",
                "annotations": {"kubernetes.io/service-account.name": "x"},
            },
            "type": TOKEN,
        },
        f"type is {TOKEN}: tenants make no tokens",
    ),
    "another's webhook": (an("Receiver", "v1", RECEIVER), "spec.resources refers to another namespace"),
}


def test_policies_are_there_and_well_typed(story: Story) -> None:
    """Kubernetes looks through the expressions of a policy by the kinds that it is for, and warns of what can't be."""
    names = ("fleet-tenant-references", "fleet-tenant-sources", "fleet-tenant-tokens")
    looked = lambda: all((story.cluster.get(POLICIES, name) or {}).get("status", {}) for name in names)  # noqa: E731
    eventually(looked, "the API server has looked through the policies")
    for name in names:
        status = story.cluster.get(POLICIES, name)["status"]
        assert status["typeChecking"].get("expressionWarnings", []) == []


@pytest.mark.parametrize("one", ADMITTED.values(), ids=ADMITTED)
def test_admitted(story: Story, one: dict[str, Any]) -> None:
    assert dry_run(story.cluster, one, ACCOUNT) == ""


@pytest.mark.parametrize(("one", "said"), DENIED.values(), ids=DENIED)
def test_denied_with_the_field(story: Story, one: dict[str, Any], said: str) -> None:
    told = dry_run(story.cluster, one, ACCOUNT)
    assert said in told
    assert "fleet-tenant-" in told
    assert said in dry_run(story.cluster, one), "an administrator who works by hand is told, too"


def test_the_platform_is_not_held_to_it(story: Story) -> None:
    platform = "system:serviceaccount:flux-system:kustomize-controller"
    assert dry_run(story.cluster, git("https://git.example/private/b.git"), platform) == ""
    for one in (git("https://elsewhere.example/x.git", "default"), sync("default", serviceAccountName=None)):
        assert dry_run(story.cluster, one) == ""


def test_what_was_there_before_goes_on(story: Story) -> None:
    """Metadata of a source that is no longer allowed may change, as finalizers do; its spec may not."""
    here = {**git("https://git.example/private/b.git"), "metadata": {"name": "old", "namespace": "fenced"}}
    platform = "--as=system:serviceaccount:flux-system:kustomize-controller"
    story.cluster.kubectl("apply", "-f", "-", platform, text=yaml.safe_dump(here))
    story.cluster.kubectl("label", "-n", "fenced", "gitrepository", "old", "a=b")
    here["spec"]["interval"] = "10m"
    assert "spec.url is" in dry_run(story.cluster, here)
    story.cluster.kubectl("delete", "-n", "fenced", "gitrepository", "old", "--timeout=60s")
