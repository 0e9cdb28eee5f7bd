# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Commit messages: a subject that says what changed, a body by file group, trailers for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# https://git-scm.com/docs/git-commit#_discussion asks for about 50; hosts cut at 72.
_LONGEST_SUBJECT = 72


def clusters_message(new: Sequence[str], changed: Sequence[str], paths: Iterable[str]) -> str:
    """The message for a change of ``clusters/``; ``new`` and ``changed`` are cluster names."""
    named = [(verb, sorted(names)) for verb, names in (("bootstrap", new), ("update", changed)) if names]
    subjects = [" and ".join(f"{verb} {said(names)}" for verb, names in named) for said in (", ".join, _counted)]
    subject = next((one for one in subjects if len(one) <= _LONGEST_SUBJECT), subjects[-1])
    subject = subject or "make the directories that clusters watch"
    return compose(subject, paths, {"Fleet-Cluster": sorted([*new, *changed])})


def infrastructure_message(environments: Sequence[str], components: Sequence[str], paths: Iterable[str]) -> str:
    """The message for a change of ``infrastructure/``, or of what clusters take of it."""
    place = f"infrastructure in {', '.join(environments)}"
    subjects = [f"{place}: {said}" for said in (", ".join(components), f"{len(components)} components")]
    subject = next((one for one in subjects if len(one) <= _LONGEST_SUBJECT), subjects[-1]) if components else place
    return compose(subject, paths, {"Fleet-Environment": environments, "Fleet-Component": components})


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} cluster{'s' if len(names) > 1 else ''}"


def compose(subject: str, paths: Iterable[str], trailers: Mapping[str, Sequence[str]]) -> str:
    """A message from its subject, the changed paths, and trailers (key → values)."""
    groups: dict[str, list[str]] = {}
    for path in sorted(paths):
        directory, _slash, file = path.rpartition("/")
        groups.setdefault(directory, []).append(file)
    body = [f"{directory or '.'}: {', '.join(files)}" for directory, files in groups.items() if files != [".gitkeep"]]
    closing = [f"{key}: {value}" for key, values in trailers.items() for value in values]
    return "\n\n".join(part for part in (subject, "\n".join(body), "\n".join(closing)) if part) + "\n"
