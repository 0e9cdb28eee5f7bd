# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are seen nowhere, in whatever form they travel."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fluxops.fleet.plugins.module_utils import _arguments
from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.scrub import MASK, Scrubber, secret_values

CANARY = "c4n4ry/+ =pa§s\"w'o\\rd"
KEY_LINES = ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "QyNTUxOQAAACDx7Jw2canary2fzY9V", "AAAEDcanary3"]
KEY = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *KEY_LINES, "-----END OPENSSH PRIVATE KEY-----", ""])


def b64(text: str) -> str:
    """Base64 of text."""
    return base64.b64encode(text.encode()).decode()


FORMS = {
    "raw": CANARY,
    "quoted": quote(CANARY, safe=""),
    "quoted as a form": quote_plus(CANARY),
    "query": urlencode({"token": CANARY}),
    "base64": b64(CANARY),
    "json": json.dumps({"token": CANARY}),
    "json with Unicode": json.dumps({"token": CANARY}, ensure_ascii=False),
    "repr": repr(CANARY),
    "basic authentication": "Authorization: Basic " + b64(f"git:{CANARY}"),
    "in a URL": f"https://git:{quote(CANARY, safe='')}@git.example/x.git",
}


@pytest.mark.parametrize("form", FORMS)
def test_text_in_every_form(form: str) -> None:
    cleaned = Scrubber([CANARY]).text(f"before {FORMS[form]} after")
    assert MASK in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    for other in (CANARY, quote(CANARY, safe=""), b64(CANARY)[:-4], b64(f"git:{CANARY}")[8:-4], CANARY[:8]):
        assert other not in cleaned


@pytest.mark.parametrize("before", ["", "x", "xy", "user:", "oauth2:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "\n", "@host"])
@pytest.mark.parametrize("secret", ["canary-token-1", "canary-token-12", "canary-token-123"])
def test_text_in_base64_of_something_longer(before: str, after: str, secret: str) -> None:
    encoded = b64(before + secret + after)
    for text in (encoded, encoded.replace("+", "-").replace("/", "_")):
        left = Scrubber([secret]).text(text).replace(MASK, "")
        assert len(left) <= len(b64(before)) + len(b64(after)) + 4


def test_text_each_line_of_a_key() -> None:
    scrubber = Scrubber([KEY])
    for text in (
        KEY,
        *KEY_LINES,
        json.dumps(KEY),
        repr(KEY),
        KEY.replace("\n", "\r\n"),
        b64(KEY),
        KEY.replace("\n", " "),
    ):
        cleaned = scrubber.text(f"before {text} after")
        assert not [line for line in KEY_LINES if line in cleaned]
        assert b64(KEY)[:40] not in cleaned
        assert "before " in cleaned
        assert " after" in cleaned
    assert "-----BEGIN OPENSSH PRIVATE KEY-----" in scrubber.text(KEY)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=6, max_size=30).filter(
        lambda secret: len(secret.strip()) >= 6
    ),
    st.text(max_size=10),
)
def test_text_any_secret_is_gone(secret: str, around: str) -> None:
    scrubber = Scrubber([secret])
    for form in (secret, secret.strip(), json.dumps(secret)[1:-1], quote(secret, safe=""), b64(secret)):
        cleaned = scrubber.text(f"{around}{form}{around}")
        assert MASK in cleaned
        assert secret not in cleaned


@given(st.text(max_size=30), st.lists(st.text(), max_size=3))
def test_text_any_secrets_at_all_are_taken(text: str, secrets: list[str]) -> None:
    assert isinstance(Scrubber(secrets).text(text), str)


def test_text_longest_secret_first() -> None:
    assert Scrubber(["canary-1", "canary-1-long"]).text("canary-1-long canary-1") == f"{MASK} {MASK}"


@pytest.mark.parametrize("secret", ["", " ", "yes", "443", "admin"])
def test_text_short_values_hide_nothing(secret: str) -> None:
    text = "yes, admin: 443 of them"
    assert Scrubber([secret]).text(text) == text


def test_data_in_values_keys_and_depth() -> None:
    found = {
        CANARY: 1,
        f"x {CANARY} y": {"list": [CANARY, (CANARY, b64(CANARY))], "deep": {"er": {quote(CANARY, safe=""): CANARY}}},
        "number": 12345678,
        "untouched": [True, None, 5, 1.5, "text"],
    }
    cleaned = Scrubber([CANARY, "12345678"]).data(found)
    text = json.dumps(cleaned, ensure_ascii=False) + repr(cleaned)
    assert not [form for form in (*FORMS.values(), "12345678") if form in text]
    assert cleaned["untouched"] == [True, None, 5, 1.5, "text"]


SPECIFICATION: dict[str, Any] = {
    **_arguments.AUTH,
    **_arguments.REPOSITORY,
    **_arguments.FORGE,
    **_arguments.SECRETS,
}


def test_secret_values_of_every_secret_option() -> None:
    parameters = {
        "auth": {
            "host": "https://api.example",
            "api_key": "canary-1",
            "password": "canary-2",
            "client_key": "/path/of/key",
            "kubeconfig": {"users": [{"name": "u", "user": {"token": "canary-3", "client-key-data": "canary-4"}}]},
        },
        "repository": {
            "url": "https://git.example/x",
            "token": "canary-5",
            "private_key": KEY,
            "known_hosts": "public",
        },
        "forge": {"kind": "gitea", "url": "https://git.example", "token": "canary-6"},
        "pull": {"kind": "token", "username": "git", "token": "canary-7", "private_key": None},
        "secrets": [
            {"name": "a", "data": {"x": "canary-8", "y": 12345678}},
            {"name": "b", "data": {"z": ["canary-9", {"deep": "canary-10"}]}},
        ],
    }
    expected = {f"canary-{number}" for number in range(1, 11)} | {KEY, "12345678"}
    assert secret_values(SPECIFICATION, parameters) == expected


KUBECONFIG = {
    "apiVersion": "v1",
    "clusters": [{"name": "c", "cluster": {"server": "https://api.example", "certificate-authority-data": "public"}}],
    "users": [
        {"name": "a", "user": {"token": "canary-1"}},
        {"name": "b", "user": {"password": "canary-2", "username": "public"}},
        {"name": "c", "user": {"client-key-data": "canary-3", "client-certificate-data": "public"}},
        {"name": "d", "user": {"auth-provider": {"config": {"refresh-token": "canary-4", "id-token": "canary-5"}}}},
    ],
}


@pytest.mark.parametrize(
    "content",
    [
        KUBECONFIG,
        yaml.safe_dump(KUBECONFIG),
        json.dumps(KUBECONFIG, indent=1),
        yaml.safe_dump(KUBECONFIG) + "broken: [\n",
        json.dumps(KUBECONFIG, indent=1) + "}\n",
        yaml.safe_dump(KUBECONFIG, default_flow_style=True).replace("\n", " ") + "\n: :\n",
    ],
)
def test_secret_values_of_a_kubeconfig(content: Any) -> None:
    found = secret_values(SPECIFICATION, {"auth": {"kubeconfig": content}})
    assert found == {f"canary-{number}" for number in range(1, 6)}


@pytest.mark.parametrize("given_value", ["/home/me/.kube/config", "", None, "~/a:~/b", 7, ["x"]])
def test_secret_values_of_a_kubeconfig_that_is_a_path(given_value: Any) -> None:
    assert secret_values(SPECIFICATION, {"auth": {"kubeconfig": given_value}}) == set()


@pytest.mark.parametrize("parameters", [{}, {"auth": None}, {"auth": "text"}, {"secrets": ["text"]}, {"secrets": None}])
def test_secret_values_of_parameters_that_are_not_valid(parameters: dict[str, Any]) -> None:
    assert secret_values(SPECIFICATION, parameters) == set()


def test_scrubber_in_a_log_message() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "pushing to %s", (FORMS["in a URL"],), None)
    assert Scrubber([CANARY]).text(record.getMessage()) == f"pushing to https://git:{MASK}@git.example/x.git"


def test_public_fields_of_a_secret_stay_readable() -> None:
    specification = {"secrets": {"type": "list", "options": {"data": {"type": "dict", "no_log": True}}}}
    data = {"username": "platform", "password": "hunter-22", "ca.crt": "certificate", "known_hosts": "host ssh-rsa"}
    assert secret_values(specification, {"secrets": [{"data": data}]}) == {"hunter-22"}
