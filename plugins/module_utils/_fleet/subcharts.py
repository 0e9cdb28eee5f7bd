# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What a chart and the charts in it say of values, and which of their schemas Helm asks about a release's.

Helm merges a chart's own values beneath those that it is given, hands each subchart what stands under its name (or its
alias), and leaves out those that a condition or a tag switches off: https://helm.sh/docs/topics/charts/#chart-dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.request import Path

_GLOBAL = "global"


@dataclass(frozen=True)
class Contents:
    """A chart's schema (None where it has none), its own values, and its subcharts.

    ``more``: whether further values come in from elsewhere: those of subcharts, and of merge keys in the YAML.
    """

    schema: Any = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    more: bool = False
    subcharts: Sequence[Subchart] = ()

    @property
    def has_schema(self) -> bool:
        """Whether there is one to ask, of the chart or of one in it."""
        return self.schema is not None or any(one.contents.has_schema for one in self.subcharts)


@dataclass(frozen=True)
class Subchart:
    """A chart in a chart: ``name`` is where its values stand, ``conditions`` and ``tags`` switch it on and off."""

    name: str
    contents: Contents
    conditions: Sequence[str] = ()
    tags: Sequence[str] = ()

    def is_on(self, values: Mapping[str, Any], tags: Mapping[str, Any], *, more: bool) -> bool:
        """Whether Helm takes it for certain, by its parent's values and the tags of the whole release.

        ``more``: whether there may be values that nobody sees here, and that switch it off.
        """
        if not self.conditions and not self.tags:
            return True
        own = beneath(self.contents.defaults, documents.mapping(values.get(self.name)))
        found = [_at({**values, self.name: own}, path) for path in self.conditions]
        said = [one for one in found if one is not None]
        if said:
            return said[0] is True and not more
        tagged = [tags[one] for one in self.tags if one in tags]
        return not more and (not tagged or True in tagged)


@dataclass(frozen=True)
class Question:
    """Values to be held against a schema; ``path`` is where they stand in the release's, empty for the chart's own.

    ``more``: whether they are not all that Helm will see.
    """

    path: Path
    schema: Any
    values: Mapping[str, Any]
    more: bool

    def schema_of(self, chart: str) -> str:
        """Whose schema it is, in words; ``chart``: what the release's own chart is called."""
        inner = "".join(f"subchart {name} of " for name in reversed(self.path))
        return f"values.schema.json of {inner}{chart}"


def asked(
    contents: Contents,
    given: Mapping[str, Any],
    *,
    more: bool,
    path: Path = (),
    tags: Mapping[str, Any] | None = None,
) -> Iterator[Question]:
    """What Helm asks about the values of a release. ``more``: whether it has some that nobody sees here."""
    values = beneath(contents.defaults, given)
    if contents.schema is not None:
        # A subchart's are not judged as a whole: charts hand values on in more ways than these.
        yield Question(path, contents.schema, values, more or contents.more or bool(path))
    switches = documents.mapping(values.get("tags")) if tags is None else tags
    for one in contents.subcharts:
        if one.is_on(values, switches, more=more):
            inner = _handed_on(values, one.name)
            yield from asked(one.contents, inner, more=more, path=(*path, one.name), tags=switches)


def _handed_on(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What a subchart is given: what stands under its name, and what is global."""
    own, shared = documents.mapping(values.get(name)), documents.mapping(values.get(_GLOBAL))
    return {**own, _GLOBAL: beneath(documents.mapping(own.get(_GLOBAL)), shared)} if shared else own


def listed(name: str, dependencies: Iterable[Mapping[str, Any]], contents: Contents) -> Iterator[Subchart]:
    """A chart in a chart as often as the outer one lists it, by its aliases; once where it does not."""
    mine = [one for one in dependencies if one.get("name") == name]
    for one in mine or [{}]:
        conditions = [path for path in str(one.get("condition") or "").replace(" ", "").split(",") if path]
        tags = one.get("tags")
        named = [str(tag) for tag in tags] if isinstance(tags, list) else []
        yield Subchart(str(one.get("alias") or name), contents, conditions, named)


def beneath(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values over a chart's own as Helm merges them: null takes away what the chart says."""
    result = {key: item for key, item in defaults.items() if key not in values}
    for key, item in values.items():
        if isinstance(item, Mapping):
            result[key] = beneath(documents.mapping(defaults.get(key)), item)
        elif item is not None:
            result[key] = item
    return result


def _at(values: Any, path: str) -> Any:
    """What stands at a condition's path; None where nothing does."""
    for step in path.split("."):
        if not isinstance(values, Mapping):
            return None
        values = values.get(step)
    return values
