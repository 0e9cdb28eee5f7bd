# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Commit messages: a subject that says what changed, a body by file group, trailers for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

# https://git-scm.com/docs/git-commit#_discussion asks for about 50; hosts cut at 72.
_LONGEST_SUBJECT = 72


def clusters_message(new: Sequence[str], changed: Sequence[str], paths: Iterable[str]) -> str:
    """The message for a change of ``clusters/``; ``new`` and ``changed`` are cluster names."""
    named = [(verb, sorted(names)) for verb, names in (("bootstrap", new), ("update", changed)) if names]
    counted = _counted("cluster")
    subjects = [" and ".join(f"{verb} {said(names)}" for verb, names in named) for said in (", ".join, counted)]
    subject = _fitting(subjects) or _beside(paths) or "make the directories that clusters watch"
    return compose(subject, paths, {"Fleet-Cluster": sorted([*new, *changed])})


def _beside(paths: Iterable[str]) -> str:
    """The subject for a change of no cluster and no tenant."""
    return "say who can read what is encrypted" if list(paths) == [".sops.yaml"] else ""


def infrastructure_message(environments: Sequence[str], components: Sequence[str], paths: Iterable[str]) -> str:
    """The message for a change of ``infrastructure/``, or of what clusters take of it."""
    place = f"infrastructure in {', '.join(environments)}"
    subjects = [f"{place}: {said}" for said in (", ".join(components), f"{len(components)} components")]
    subject = _fitting(subjects) if components else place
    return compose(subject, paths, {"Fleet-Environment": environments, "Fleet-Component": components})


def tenants_message(names: Mapping[str, Iterable[str]], environments: Iterable[str], paths: Iterable[str]) -> str:
    """The message for a change of ``projects/``: verb → names of tenants, and the environments that change."""
    named = [(verb, sorted(found)) for verb, found in sorted(names.items())]
    where, counted = _listed(sorted(environments)), _counted("tenant")
    subjects = [
        " and ".join(f"{verb} {said(found)}" for verb, found in named) + f" in {where}" for said in (_listed, counted)
    ]
    subject = _fitting(subjects) if named else _beside(paths)
    return compose(subject, paths, {"Fleet-Tenant": sorted({one for _verb, ones in named for one in ones})})


def retirement_subject(names: Sequence[str]) -> str:
    """The subject for a change that takes clusters out of the repository."""
    return _fitting([f"decommission {said(sorted(names))}" for said in (", ".join, _counted("cluster"))])


def _fitting(subjects: Sequence[str]) -> str:
    """The first that is short enough, else the last."""
    return next((one for one in subjects if len(one) <= _LONGEST_SUBJECT), subjects[-1])


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


def _counted(what: str) -> Callable[[Sequence[str]], str]:
    return lambda names: f"{len(names)} {what}{'s' if len(names) > 1 else ''}"


def promotion_message(subject: str, said: Sequence[str], components: Iterable[str], paths: Iterable[str]) -> str:
    """The message for a promotion, or for taking one back: ``said`` is a line for each component's version."""
    what, trailers = ", ".join(sorted(components)), {"Fleet-Component": sorted(components)}
    first = _fitting([f"{subject}: {what}", f"{subject}: {len(said)} components"])
    head, rest = compose(first, paths, trailers).split("\n\n", 1)
    return "\n\n".join([head, "\n".join(said), rest])


def compose(subject: str, paths: Iterable[str], trailers: Mapping[str, Sequence[str]]) -> str:
    """A message from its subject, the changed paths, and trailers (key → values)."""
    groups: dict[str, list[str]] = {}
    for path in sorted(paths):
        directory, _slash, file = path.rpartition("/")
        groups.setdefault(directory, []).append(file)
    body = [f"{directory or '.'}: {', '.join(files)}" for directory, files in groups.items() if files != [".gitkeep"]]
    closing = [f"{key}: {value}" for key, values in trailers.items() for value in values]
    return "\n\n".join(part for part in (subject, "\n".join(body), "\n".join(closing)) if part) + "\n"
