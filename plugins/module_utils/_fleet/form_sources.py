# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""The form of a tenant's sources: what a request says of the repositories that it is applied from."""

from __future__ import annotations

import re

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import model
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.form_values import (
    LINE,
    NAMES,
    SHORT_LABEL,
    directory_fault,
    secret_name,
    text_fault,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.schema import Flag, Text, Word
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.structures import Items, Record

PROVIDERS = ("aws", "azure", "gcp", "github")
_MODES = ("HEAD", "Tag", "TagAndHEAD")
_VERSION = r"[0-9xX*]{1,9}(\.[0-9xX*]{1,9}){0,2}(-[0-9A-Za-z.-]{1,60})?(\+[0-9A-Za-z.-]{1,60})?"
_TERM = rf"(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)? ?v?{_VERSION}"
# Ranges of https://github.com/Masterminds/semver#checking-version-constraints, which Flux reads them with.
_RANGE = rf"{_TERM}( - {_TERM}|(, ?| | ?\|\| ?){_TERM}){{0,8}}"


# A registry has a dot, a port, or is localhost: https://github.com/distribution/reference/blob/main/normalize.go
_REGISTRY = r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(:[0-9]{1,5})?"
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_OCI_NAME = r"[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*"
_OCI = re.compile(rf"oci://{_REGISTRY}(/{_OCI_NAME})+")
URLS = "ssh://git@host/path.git, https://host/path.git or oci://registry/path"


def url_fault(value: str) -> tuple[str, str] | None:
    if value.startswith("oci://"):
        return oci_fault(value)
    found = model.check_repository_url("", "", value)
    if found:
        hint = found[0].hint.replace("give fleet_repository_token", "name the Secret that holds them as secret")
        return found[0].value, hint
    foreign = next((one for one in value if not one.isascii()), None)
    return (value, f"a URL is ASCII (U+{ord(foreign):04X} is not)") if foreign else None


def oci_fault(value: str) -> tuple[str, str] | None:
    plain = model.without_credentials(value)
    if "@sha256:" in value:
        return plain, "the digest stands in ref: oci://registry/path has none"
    if "@" in value:
        return plain, "credentials stand in the URL: take them out, and name the Secret that holds them as secret"
    if _OCI.fullmatch(value):
        return None
    hint = "oci://registry.example/path in lower-case letters, the registry with its domain, a tag or digest in ref"
    return plain, hint


def _branch_fault(value: str) -> tuple[str, str] | None:
    found = model.check_branch("", "", value)
    return (found[0].value, found[0].hint) if found else text_fault(value)


def _tag_fault(value: str) -> tuple[str, str] | None:
    hint = "the short name of a tag that Git accepts, such as v1.2.3"
    return (value, hint) if model.check_branch("", "", value) else text_fault(value)


_SOURCE_NAME = Text("A name for the repository, for this request.", SHORT_LABEL, f"{NAMES}, at most 56", 56)
_IDENTITY = Text("", LINE, "a regular expression of Go", 512, text_fault)
VERIFY = Record(
    "Whose signature the source must have; Flux refuses what has none.",
    {
        "mode": Word("What is signed in Git: the commit (where it is left out), the tag, or both.", _MODES),
        "secret": secret_name("A Secret with the public keys: *.asc or *.sshpub for Git, *.pub of cosign for OCI."),
        "matchOIDCIdentity": Items(
            "Who may sign an OCI artifact with cosign without a key.",
            Record("", {"issuer": _IDENTITY, "subject": _IDENTITY}, ("issuer", "subject")),
            most=20,
        ),
    },
)
_PATTERN = Text("", LINE, "one line", 512, text_fault)
_DIRECTORY = Text("", LINE, "a directory within the repository", 512, directory_fault)
SOURCE = Record(
    "",
    {
        "name": _SOURCE_NAME,
        "url": Text(
            f"{URLS}, without credentials.",
            r"(ssh|https|oci)://[!-~]+",
            URLS,
            2048,
            url_fault,
        ),
        "secret": secret_name(
            "An existing Secret in the first namespace that holds what it takes to read the repository. "
            "Where it is left out, ssh:// gets a deploy key that is made on each cluster, and the others need none."
        ),
        "certSecret": secret_name("A Secret with ca.crt, or tls.crt and tls.key, for the registry of oci://."),
        "verify": VERIFY,
        "provider": Word(
            "Which cloud lets the service account fleet-tenant read the source, in place of a Secret; github: the "
            "Secret holds a GitHub App.",
            PROVIDERS,
        ),
        "ignore": Items("What is left out of the source, as lines of a .gitignore.", _PATTERN),
        "recurseSubmodules": Flag("Whether submodules of the Git repository are fetched too."),
        "sparseCheckout": Items("Directories of the Git repository, of which alone it is fetched.", _DIRECTORY),
    },
    ("name", "url"),
)
REF = Record(
    "What is followed: of Git one of branch (main where ref is left out), tag, semver, commit; of OCI one of tag "
    "(latest), semver, digest.",
    {
        "branch": Text("A branch.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a branch", 253, _branch_fault),
        "tag": Text("A tag.", r"[^\x00-\x20\x7f~^:?*\[\\]+", "the short name of a tag", 253, _tag_fault),
        "semver": Text("The newest tag in this range.", _RANGE, 'a range of versions, such as ">=1.0.0" or "1.x"', 128),
        "digest": Text("The digest of an OCI artifact.", r"sha256:[0-9a-f]{64}", "sha256: and 64 hex digits", 71),
        "commit": Text("A commit.", r"[0-9a-f]{40}|[0-9a-f]{64}", "the full id of a commit, 40 or 64 hex digits", 64),
    },
    one_of=True,
)
