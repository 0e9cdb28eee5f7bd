# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""How a cluster's API is reached: kubernetes.core's options to a connection, no credential in a file of ours."""

from __future__ import annotations

import os
import re
import ssl
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet import kubeconfig
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import ClusterError, Unreachable
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.model import without_credentials
from ansible_collections.fluxops.fleet.plugins.module_utils._io.memory import MemoryFile

try:
    import urllib3
    import yaml
    from kubernetes import __version__ as kubernetes_version
    from kubernetes import client as kubernetes_client
    from kubernetes.config import ConfigException, kube_config

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # said when a cluster is asked for, since the controller may need none
    IMPORT_ERROR = error

# OpenSSL reads its configuration at its first use, for some milliseconds: once here, and not in each fork of a run.
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

# What a busy API server or a proxy before it answers while nothing is wrong with the request.
_RETRIED = (429, 500, 502, 503, 504)
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# As long as a server may have us wait before we ask again; one that wants more than this is as good as down.
_LONGEST_PAUSE = 60.0
_SIGNED_SECONDS = 60
_EMBEDDED = {
    "certificate-authority-data": "certificate-authority",
    "client-certificate-data": "client-certificate",
    "client-key-data": "client-key",
}


def connect(auth: Mapping[str, Any], where: str) -> tuple[Any, list[MemoryFile], kubeconfig.Identity]:
    """An ApiClient for the ``auth`` options, the memory files that it reads, and whom to act as by the kubeconfig.

    ``where`` names the host in errors.
    """
    if IMPORT_ERROR:
        raise ClusterError(
            f"{where}: the Python package kubernetes is missing for {sys.executable} ({IMPORT_ERROR}): "
            "install it there, or set ansible_python_interpreter"
        )
    configuration = type.__call__(kubernetes_client.Configuration)
    configuration.retries = _retries()
    files: list[MemoryFile] = []
    acting = kubeconfig.Identity()
    try:
        if auth.get("kubeconfig") or auth.get("context") or not auth.get("host"):
            acting = _load_kubeconfig(configuration, auth, files)
        _apply_options(configuration, auth)
        return kubernetes_client.ApiClient(configuration), files, acting
    except ImportError as error:
        proxy = without_credentials(configuration.proxy)
        hint = f"the proxy {proxy} needs the Python package PySocks for {sys.executable}"
        raise ClusterError(f"{where}: {hint}: install it there ({_one_line(error)})") from None
    except (ConfigException, OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        hint = "give fleet_cluster_auth a kubeconfig (path or content) and a context that stands in it"
        raise Unreachable(f"{where}: the kubeconfig can't be used: {_one_line(error)}: {hint}") from None


def _retries() -> Any:
    """What is asked again: an answer that the server is busy or broken, and a connection that broke.

    A server that lets us wait until the time is up is not asked again: whoever waits for other hosts waits for it, too.
    """

    class Retries(urllib3.Retry):
        def increment(self, method: Any = None, url: Any = None, *more: Any, **about: Any) -> Any:
            error = about.get("error")
            late = (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.ReadTimeoutError)
            if isinstance(error, late) and type(error) in late:  # old versions take a refused connection for a late one
                raise error
            return super().increment(method, url, *more, **about)

        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, _LONGEST_PAUSE)

    return Retries(
        total=4, backoff_factor=0.3, backoff_max=10, status_forcelist=_RETRIED, allowed_methods=None,
        raise_on_status=False, respect_retry_after_header=True,
    )  # fmt: skip


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _load_kubeconfig(configuration: Any, auth: Mapping[str, Any], files: list[MemoryFile]) -> kubeconfig.Identity:
    given = auth.get("kubeconfig") or os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG")
    if isinstance(given, Mapping):
        config = deepcopy(dict(given))
    elif given and "\n" in given:
        config = kubeconfig.read(given, auth.get("context"))
    else:
        paths = [str(Path(part).expanduser()) for part in (given or "~/.kube/config").split(os.pathsep) if part]
        if not any(Path(part).exists() for part in paths):
            raise ConfigException(f"{', '.join(paths)} does not exist")
        if len(paths) > 1:
            config = kube_config.KubeConfigMerger(os.pathsep.join(paths)).config
        else:
            found = kubeconfig.read(Path(paths[0]).read_text(encoding="utf-8"), auth.get("context"))
            config = kube_config.ConfigNode(paths[0], found, paths[0])
    # Left to itself the library writes embedded keys into files under /tmp, which outlive a kill.
    sections = getattr(config, "value", config)
    cluster, user = kubeconfig.chosen(sections, auth.get("context"))
    for entry in (cluster, user):
        _embedded_to_memory(entry, files)
    kube_config.load_kube_config_from_dict(
        config, context=auth.get("context"), client_configuration=configuration, persist_config=False
    )
    _issued_to_memory(configuration, files)
    kubeconfig.check_known(cluster, user, configuration, kubernetes_version)
    return kubeconfig.identity(user)


def _embedded_to_memory(entry: dict[str, Any], files: list[MemoryFile]) -> None:
    for field, path_field in _EMBEDDED.items():
        if entry.get(field):
            files.append(MemoryFile(b64decode(entry.pop(field))))
            entry[path_field] = files[-1].path


def _issued_to_memory(configuration: Any, files: list[MemoryFile]) -> None:
    """What a credential plugin has issued: the library has just written it into files, and removes them at its end."""
    written = set(kube_config._temp_files.values())
    for field in ("cert_file", "key_file"):
        path = getattr(configuration, field)
        if path in written:
            files.append(MemoryFile(Path(path).read_bytes()))
            setattr(configuration, field, files[-1].path)
    kube_config._cleanup_temp_files()


def _apply_options(configuration: Any, auth: Mapping[str, Any]) -> None:
    fields = {
        "host": "host",
        "username": "username",
        "password": "password",
        "ca_cert": "ssl_ca_cert",
        "client_cert": "cert_file",
        "client_key": "key_file",
        "validate_certs": "verify_ssl",
        "proxy": "proxy",
    }
    for option, field in fields.items():
        if auth.get(option) is not None:
            setattr(configuration, field, auth[option])
    if auth.get("api_key"):
        configuration.refresh_api_key_hook = None  # which would put the kubeconfig's own token back
        configuration.api_key = {"authorization": auth["api_key"]}
        configuration.api_key_prefix = {"authorization": "Bearer"}


class Connection:
    """Requests to one API server: every response read, transport errors told apart from answers."""

    def __init__(self, auth: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._api, self._files, acting = connect(auth, where)
        self._host = self._api.configuration.host
        self._lock = threading.Lock()
        self._signed, self._signed_until = "", 0.0
        self._headers = {"Accept": "application/json", "User-Agent": "fluxops.fleet"}
        user = auth.get("impersonate_user") or acting.user
        self._headers |= {"Impersonate-User": user} if user else {}
        self._headers |= {"Impersonate-Uid": acting.uid} if acting.uid and not auth.get("impersonate_user") else {}
        groups = () if auth.get("impersonate_user") else acting.groups
        self._groups = list(auth.get("impersonate_groups") or groups)

    def request(
        self, method: str, path: str, body: bytes | None, content_type: str, *, retries: Any = None
    ) -> tuple[int, bytes]:
        """HTTP status and body; raises Unreachable where there was no answer at all.

        ``retries``: False for what is worth one question alone.
        """
        headers = urllib3.HTTPHeaderDict(self._headers)
        for group in self._groups:
            headers.add("Impersonate-Group", group)
        if signed := self._authorization():
            headers["Authorization"] = signed
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            answer = self._api.rest_client.pool_manager.request(
                method, self._host + path, body=body, headers=headers, retries=retries,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"{self.where}: {self._host} does not answer: {_cause(error)}") from None
        return answer.status, answer.data

    def _authorization(self) -> str:
        """The header by which we sign in; empty for certificates alone.

        The client reads all of its settings anew whenever it is asked, which takes as long as a request. What it says
        holds for a while: a credential plugin's token is renewed five minutes before its end.
        """
        if time.monotonic() >= self._signed_until:
            configuration = self._api.configuration
            # By the one name in new versions of the client, by the other in old ones, and in what we set ourselves.
            tokens = map(configuration.get_api_key_with_prefix, ("BearerToken", "authorization"))
            basic = configuration.get_basic_auth_token() if configuration.username else ""
            self._signed = str(next(filter(None, tokens), basic))
            self._signed_until = time.monotonic() + _SIGNED_SECONDS
        return self._signed

    def close(self) -> None:
        """Close connections and forget credentials."""
        self._api.close()
        for file in self._files:
            file.close()


def _cause(error: BaseException) -> str:
    """The reason without the connection's own description: ``[Errno 111] Connection refused``."""
    said = _one_line(getattr(error, "reason", None) or error)
    return re.sub(r"^.*?(Failed to establish a new connection|Failed to resolve [^ ]+): |^<?\w+\([^)]*\)>?: ", "", said)
