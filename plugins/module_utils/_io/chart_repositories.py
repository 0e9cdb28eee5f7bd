# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Chart repositories and registries, asked which versions of a chart they have, and what is in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.error import HTTPError

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import charts
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.charts import Answer, Chart
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.subcharts import Contents
from ansible_collections.fluxops.fleet.plugins.module_utils._io import chart_archive
from ansible_collections.fluxops.fleet.plugins.module_utils._io.chart_client import DENIED, Client, Data

_AT_ONCE = 8
_MISSING = 404


class ChartRepositories:
    """Asks each repository once in a run. ``secrets``: name → what it holds, of those in flux-system."""

    def __init__(self, secrets: Mapping[str, Data]) -> None:
        self._secrets = secrets
        self._known: dict[Chart, Answer] = {}
        self._read: dict[Chart, Contents | str] = {}

    def look(self, wanted: Iterable[Chart]) -> dict[Chart, Answer]:
        """What is said of each chart; of several at once."""
        every = sorted(set(wanted))
        new = [one for one in every if one not in self._known]
        if new:
            repositories: dict[tuple[str, ...], list[Chart]] = {}
            for one in new:
                own = (one.name,) if one.url.startswith("oci://") else ()
                repositories.setdefault((one.url, one.secret, one.ca_secret, *own), []).append(one)
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                for found in pool.map(self._ask, repositories.values()):
                    self._known |= found
        return {one: self._known[one] for one in every}

    def contents(self, answers: Mapping[Chart, Answer]) -> tuple[dict[Chart, Contents], dict[Chart, str]]:
        """What is in charts that are there, and why that is not known of the others."""
        new = [one for one in answers if one not in self._read]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            self._read |= dict(zip(new, pool.map(lambda one: self._fetch(one, answers[one]), new), strict=True))
        found = {one: self._read[one] for one in answers}
        known = {one: read for one, read in found.items() if isinstance(read, Contents)}
        return known, {one: why for one, why in found.items() if isinstance(why, str)}

    def _fetch(self, chart: Chart, answer: Answer) -> Contents | str:
        version, client = charts.resolved(chart, answer), self._client(chart)
        try:
            if chart.url.startswith("oci://"):
                return chart_archive.read(client.layer(chart.name, version))
            return chart_archive.read(client.archive(*answer.archives[version]))
        except HTTPError as error:
            return f"its archive is not given out (HTTP {error.code})"
        except ValueError as error:
            return str(error)
        except (OSError, HTTPException) as error:
            return f"its archive can't be fetched ({error})"

    def _client(self, chart: Chart) -> Client:
        return Client(chart.url, self._secrets.get(chart.secret, {}), self._secrets.get(chart.ca_secret, {}))

    def _ask(self, same: list[Chart]) -> dict[Chart, Answer]:
        """Charts of one repository; of a registry the same chart."""
        first = same[0]
        client = self._client(first)
        try:
            if first.url.startswith("oci://"):
                return dict.fromkeys(same, Answer(tuple(client.tags(first.name))))
            index = client.index()
            return {one: charts.listed(index, one.name) for one in same}
        except HTTPError as error:
            answer = self._refused(first, client, error)
        except (OSError, ValueError, HTTPException) as error:
            answer = Answer(silent=f"does not answer ({error})")
        except InvalidInput:
            answer = Answer(silent="what it answers is no index of a chart repository")
        return dict.fromkeys(same, answer)

    def _refused(self, chart: Chart, client: Client, error: HTTPError) -> Answer:
        """A repository may hide what it has from those who have no password."""
        blind = bool(chart.secret) and not client.has_login
        if error.code == _MISSING and not blind:
            return Answer()
        if blind:
            return Answer(silent=f"needs Secret {chart.secret}, which fleet_secrets does not have here")
        why = "it refuses to say" if error.code in DENIED else "it answers"
        return Answer(silent=f"{why} (HTTP {error.code})")
