# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Flux's install manifest as a value: its bytes' digest, the components that it has, the definitions that it brings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import documents
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.documents import Document

COMPONENT_LABEL = "app.kubernetes.io/component"
_HEADER = re.compile(r"^# Components: (\S+)$", re.MULTILINE)
_VERSION = re.compile(r"^# Flux Version: (\S+)$", re.MULTILINE)
_LABELLED = re.compile(rf"^ +{re.escape(COMPONENT_LABEL)}: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Manifest:
    """The text of an ``install.yaml``; ``where`` names it in errors."""

    text: str
    where: str = "install manifest"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its bytes, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def components(self) -> tuple[str, ...]:
        """The controllers that it installs: by the header of Flux's own tools, else by their labels."""
        header = _HEADER.search(self.text)
        found = header.group(1).split(",") if header else sorted(set(_LABELLED.findall(self.text)))
        return tuple(found)

    @cached_property
    def version(self) -> str:
        """Flux's version, by the header of its own tools; empty where there is none."""
        header = _VERSION.search(self.text)
        return header.group(1) if header else ""

    @cached_property
    def documents(self) -> list[Document]:
        """Its objects. To be read only: what changes them copies them."""
        return documents.read(self.text, self.where)

    def deployment(self, component: str) -> Document:
        """The pod template's spec of one controller; empty where there is none."""
        for one in self.documents:
            if one.get("kind") == "Deployment" and one["metadata"]["name"] == component:
                spec: Document = one["spec"]["template"]["spec"]
                return spec
        return {}


def served(objects: Iterable[Document]) -> dict[str, set[str]]:
    """Name → API versions that are served, of every CustomResourceDefinition among these objects."""
    return {
        one["metadata"]["name"]: {version["name"] for version in one["spec"]["versions"] if version.get("served")}
        for one in objects
        if one.get("kind") == "CustomResourceDefinition"
    }
