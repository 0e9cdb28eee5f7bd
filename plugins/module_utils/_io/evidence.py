# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a cluster says of a Flux that is not ready, beside the conditions of its objects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import evidence
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, NotReady
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.layout import FLUX_NAMESPACE
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.state import PART_OF
from ansible_collections.fluxops.fleet.plugins.module_utils._io import flux
from ansible_collections.fluxops.fleet.plugins.module_utils._io.cluster import Cluster


@contextlib.contextmanager
def told(cluster: Cluster) -> Iterator[None]:
    """What is not ready in here says why by more than its conditions."""
    try:
        yield
    except NotReady as error:
        raise NotReady(f"{error}{gather(cluster, str(error))}") from None


def gather(cluster: Cluster, said: str) -> str:
    """What is to be added to ``said``: pods that wait, events, last lines of logs; empty where there is nothing.

    What can't be read is left out: there is a failure to tell of already.
    """
    try:
        state = flux.observe(cluster)
        own = evidence.controllers(state)
        pods = cluster.list("v1", "Pod", FLUX_NAMESPACE, PART_OF) if own else []
        events = cluster.list("v1", "Event", FLUX_NAMESPACE) if own else []
    except ClusterError:
        return ""
    found = {name: evidence.newest(pods, name) for name in own}
    names = {name: one["metadata"]["name"] for name, one in found.items() if one}
    logs = {name: cluster.log(pod, FLUX_NAMESPACE, evidence.LOG_LINES) for name, pod in names.items()}
    return "".join(f"; {one}" for one in evidence.told(state, pods, events, logs) if one not in said)
