# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""Argument specifications as values: each noun composes its own from these pieces."""

from __future__ import annotations

from typing import Any

Specification = dict[str, dict[str, Any]]

# The names of kubernetes.core's authentication options.
AUTH: Specification = {
    "auth": {
        "type": "dict",
        "default": {},
        "options": {
            "kubeconfig": {"type": "raw"},
            "context": {"type": "str"},
            "host": {"type": "str"},
            "api_key": {"type": "str", "no_log": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
            "client_cert": {"type": "path", "aliases": ["cert_file"]},
            "client_key": {"type": "path", "no_log": False, "aliases": ["key_file"]},
            "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
            "proxy": {"type": "str"},
            "impersonate_user": {"type": "str"},
            "impersonate_groups": {"type": "list", "elements": "str"},
        },
    }
}

REPOSITORY: Specification = {
    "repository": {
        "type": "dict",
        "required": True,
        "options": {
            "url": {"type": "str", "required": True},
            "branch": {"type": "str", "default": "main"},
            "private_key": {"type": "str", "no_log": True},
            "passphrase": {"type": "str", "no_log": True},
            "known_hosts": {"type": "str"},
            "username": {"type": "str", "default": "git"},
            "token": {"type": "str", "no_log": True},
            "ca_cert": {"type": "str"},
            "publish": {"type": "str", "choices": ["push", "pull_request", "worktree"], "default": "push"},
            "worktree": {"type": "path"},
            "author_name": {"type": "str", "default": "Flux fleet"},
            "author_email": {"type": "str", "default": "fleet@localhost"},
            "signing_key": {"type": "str", "no_log": True},
            "signing_passphrase": {"type": "str", "no_log": True},
        },
    }
}

NAME: Specification = {"name": {"type": "str", "required": True}}

CLUSTER: Specification = {
    "environment": {"type": "str", "required": True},
    "substitutions": {"type": "dict", "default": {}},
    "flux": {
        "type": "dict",
        "required": True,
        "options": {
            "version": {"type": "str", "required": True},
            "manifest": {"type": "str", "required": True},
            "digest": {"type": "str", "default": ""},
            "lockdown": {"type": "str", "choices": ["enforce", "keep", "none"]},
            "admission": {
                "type": "dict",
                "options": {"sources": {"type": "list", "elements": "str", "default": []}},
            },
            "provider": {"type": "str", "choices": ["generic", "github"], "default": "generic"},
            "components": {"type": "list", "elements": "str"},
            "registry": {"type": "str"},
            "pull_secret": {"type": "str", "no_log": False},
            "log_level": {"type": "str", "choices": ["debug", "info", "error"], "default": "info"},
            "cluster_domain": {"type": "str", "default": "cluster.local"},
            "tolerations": {"type": "list", "elements": "dict", "default": []},
            "network_policy": {"type": "bool", "default": True},
            "watch_all_namespaces": {"type": "bool", "default": True},
            "ca_secret": {"type": "str", "no_log": False},
            "controllers": {"type": "dict", "default": {}},
            "patches": {"type": "list", "elements": "dict", "default": []},
            "tenant_artifacts": {"type": "bool", "default": False},
        },
    },
}

_FORGE: dict[str, Any] = {
    "kind": {"type": "str", "required": True, "choices": ["gitea", "github", "gitlab"]},
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "ca_cert": {"type": "str"},
}
FORGE: Specification = {"forge": {"type": "dict", "options": _FORGE}}
FORGES: Specification = {"forges": {"type": "list", "elements": "dict", "default": [], "options": _FORGE}}

# Tenants' requests, and what the fleet adds to their form.
REQUESTS: Specification = {
    "requests": {"type": "list", "elements": "path", "default": []},
    "tenants": {"type": "list", "elements": "dict", "default": []},
    "profile": {"type": "str", "choices": ["standard", "strict", "open"], "default": "standard"},
    "defaults": {"type": "dict", "default": {}},
    "caps": {"type": "dict", "default": {}},
    "forbidden_namespaces": {"type": "list", "elements": "str", "default": []},
    "known_hosts": {"type": "str"},
}

MEMBERS: Specification = {"clusters": {"type": "list", "elements": "dict", "required": True}}

# How far a change is looked at before it is committed, and how API servers are reached for that.
VERIFY: Specification = {
    "verify": {"type": "str", "choices": ["build", "schema", "server"], "default": "build"},
    "schemas": {"type": "path"},
    "servers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"host": {"type": "str", "required": True}, **AUTH},
    },
}

# The hosts of a run whose turn it is (none given: all), and what went before.
WAVE: Specification = {
    "wave": {"type": "list", "elements": "str"},
    "earlier": {"type": "dict", "default": {}},
    "stopped": {"type": "str", "default": ""},
    "problems": {"type": "list", "elements": "dict", "default": []},
}

# RSA keys of less than 3072 bits are no longer taken for safe: https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-57pt1r5.pdf
KEY_ALGORITHMS = ("ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072", "rsa-4096")

# What clusters hold that Git can't: how they pull, and secrets of the user's.
SECRETS: Specification = {
    "pull": {
        "type": "dict",
        "options": {
            "kind": {
                "type": "str",
                "choices": ["deploy_key", "private_key", "token", "bearer_token", "github_app"],
                "default": "deploy_key",
            },
            "algorithm": {"type": "str", "choices": list(KEY_ALGORITHMS), "default": KEY_ALGORITHMS[0]},
            "private_key": {"type": "str", "no_log": True},
            "passphrase": {"type": "str", "no_log": True},
            "app_id": {"type": "str"},
            "installation_id": {"type": "str"},
            "base_url": {"type": "str"},
            "username": {"type": "str", "default": "git"},
            "token": {"type": "str", "no_log": True},
        },
    },
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "flux-system"},
            "tenant": {"type": "str", "default": ""},
            "type": {"type": "str", "default": "Opaque"},
            "data": {"type": "dict", "required": True, "no_log": True},
        },
    },
}

# The keys of tenants' sources, and the host keys that these are checked against.
KEYS: Specification = {
    "source_keys": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "tenant": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "secret": {"type": "str", "required": True, "no_log": False},
            "source": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
        },
    },
    "known_hosts": {"type": "str"},
}

# Who can read what is encrypted in the fleet repository; no private key is among it.
SOPS: Specification = {
    "sops": {
        "type": "dict",
        "options": {
            "age": {"type": "list", "elements": "str", "default": []},
            "environments": {"type": "dict", "default": {}},
            "tenants": {"type": "dict", "default": {}},
            "secret": {"type": "str", "default": "sops-age", "no_log": False},
        },
    }
}

ALLOW: Specification = {"allow": {"type": "list", "elements": "str", "default": []}}
KEEP: Specification = {name: {"type": "bool", "default": False} for name in ("keep_workloads", "keep_namespace")}
TIMEOUT: Specification = {"timeout": {"type": "int", "default": 300}}
