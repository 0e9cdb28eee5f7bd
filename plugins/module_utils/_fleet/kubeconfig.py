# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What the Python client leaves out of a kubeconfig: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

try:
    import yaml

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # comes with the Kubernetes client, without which nobody reads a kubeconfig
    IMPORT_ERROR = error

# Field of a cluster → the client's own name of it, in the versions that know it.
_KNOWN = {"tls-server-name": "tls_server_name", "proxy-url": "proxy"}
# Of a user: what neither the client knows nor we.
_UNKNOWN = ("as-user-extra",)
# What a context refers to.
_REFERRED = ("cluster", "user")


@dataclass(frozen=True)
class Identity:
    """Whom a kubeconfig acts as; empty for the user whose credentials it has."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""


def read(text: str, context: str | None) -> dict[str, Any]:
    """A kubeconfig with what belongs to a context (None: the current one), and without its other entries.

    To make objects of the hundreds of clusters that a file may list takes longer than to ask one of them. Raises
    yaml.YAMLError, and ValueError for what is no mapping.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise ValueError("this is no mapping")
        name = context or _scalar(root, "current-context")
        contexts = [one for one in _entries(root, "contexts") if _scalar(one, "name") == name]
        pairs = [value for one in contexts for key, value in one.value if key.value == "context"]
        wanted = {"contexts": [name], **{f"{kind}s": [_scalar(one, kind) for one in pairs] for kind in _REFERRED}}
        for section, names in wanted.items():
            for node in _sections(root, section):
                node.value = [one for one in node.value if _scalar(one, "name") in names]
        found: dict[str, Any] = loader.construct_document(root)
        return found
    finally:
        loader.dispose()


def _sections(root: Any, section: str) -> Iterator[Any]:
    return (value for key, value in root.value if key.value == section and isinstance(value, yaml.SequenceNode))


def _entries(root: Any, section: str) -> Iterator[Any]:
    return (one for node in _sections(root, section) for one in node.value if isinstance(one, yaml.MappingNode))


def _scalar(node: Any, field: str) -> Any:
    """The text of a field of a YAML node; None where it has none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value.value for key, value in pairs if key.value == field), None)


def chosen(sections: Mapping[str, Any], context: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user of a context (None: the current one) of a parsed kubeconfig; empty where they are missing."""
    found = _named(sections, "context", context or _plain(sections.get("current-context")))
    return tuple(_named(sections, one, _plain(found.get(one))) for one in _REFERRED)  # type: ignore[return-value]


def _named(sections: Mapping[str, Any], kind: str, name: Any) -> dict[str, Any]:
    for entry in sections.get(f"{kind}s") or []:
        plain = _plain(entry)
        if plain.get("name") == name:
            return _plain(plain.get(kind)) or {}
    return {}


def _plain(value: Any) -> Any:
    """What the client's own reader wraps."""
    return getattr(value, "value", value)


def identity(user: Mapping[str, Any]) -> Identity:
    """Whom a user of a kubeconfig acts as: the client knows nothing of that and would act as the user itself."""
    groups = tuple(str(group) for group in user.get("as-groups") or ())
    return Identity(str(user.get("as") or ""), groups, str(user.get("as-uid") or ""))


def check_known(cluster: Mapping[str, Any], user: Mapping[str, Any], configuration: object, version: str) -> None:
    """Raise ValueError for fields that the client's ``configuration`` lacks: without them another server, or another
    person, would be met."""
    silent = [field for field, name in _KNOWN.items() if cluster.get(field) and not getattr(configuration, name, None)]
    if silent:
        found = " and ".join(silent)
        raise ValueError(f"the Python package kubernetes {version} knows no {found}: install a newer one")
    unknown = [field for field in _UNKNOWN if user.get(field)]
    if unknown:
        raise ValueError(f"{unknown[0]} is not supported: give auth.impersonate_user instead")
