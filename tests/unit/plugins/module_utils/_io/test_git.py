# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Git transaction decides without a program: which changes are real or unsafe, and what an error means."""

from __future__ import annotations

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import (
    GitError,
    InvalidInput,
    LostRace,
    PushRefused,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import (
    Interrupted,
    NoBranch,
    NoRevision,
    explain,
    explain_push,
    scrub,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import (
    Edit,
    Entry,
    ancestors,
    check_paths,
    edits,
    import_stream,
    parse_contents,
    parse_listing,
)
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_remote import Remote

URL = "ssh://git@forge.example/platform/fleet.git"
# `printf abc | git hash-object --stdin`, in a repository of each format
ABC = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"
ABC_256 = "c1cf6e465077930e88dc5136641d402f72a229ddd996f627d60e9639eaba35a6"
LISTING = {
    "file": Entry("100644", "blob", ABC),
    "file256": Entry("100644", "blob", ABC_256),
    "run": Entry("100755", "blob", "1" * 40),
    "folder": Entry("040000", "tree", "2" * 40),
    "link": Entry("120000", "blob", "3" * 40),
    "module": Entry("160000", "commit", "4" * 40),
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"file": b"abc", "file256": b"abc"}, {}),
        ({"file": b"abd"}, {"file": Edit("100644", b"abd")}),
        ({"run": b"abc"}, {"run": Edit("100755", b"abc")}),
        ({"new": b"", "folder/new": b"x"}, {"new": Edit("100644", b""), "folder/new": Edit("100644", b"x")}),
        ({"absent": None}, {}),
        ({"file": None}, {"file": Edit("100644", None)}),
        ({"file": None, "file/inside": b"x"}, {"file": Edit("100644", None), "file/inside": Edit("100644", b"x")}),
    ],
)
def test_edits_are_what_differs(changes: dict[str, bytes | None], expected: dict[str, Edit]) -> None:
    assert edits(changes, LISTING) == expected


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"link": b"x"}, "is a symbolic link"),
        ({"link": None}, "is a symbolic link"),
        ({"link/x": b"x"}, "would go through link"),
        ({"module": b"x"}, "is a submodule"),
        ({"module/a/x": b"x"}, "would go through module"),
        ({"folder": b"x"}, "is a folder"),
        ({"folder": None}, "is a folder"),
        ({"file/x": b"x"}, "would go through file, which is a file"),
        ({"new": b"x", "new/x": b"x"}, "needs a folder new"),
    ],
)
def test_edits_refuse_what_is_in_the_way(changes: dict[str, bytes | None], hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        edits(changes, LISTING)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".git/config", "a/.Git", "a\nb", "a\0", "a\ud800"],
)
def test_check_paths_refuses(path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_paths({path: b"", "fine/.gitkeep": b"", "ä/b c": None})
    assert [problem.value for problem in caught.value.problems] == [path]


def test_ancestors() -> None:
    assert list(ancestors("a/b/c")) == ["a", "a/b"]
    assert list(ancestors("a")) == []


def test_import_stream_deletes_first_and_counts_bytes() -> None:
    changed = {'a "b\\': Edit("100755", "ä\n".encode()), "gone": Edit("100644", None)}
    assert import_stream("refs/fleet/next", "5" * 40, Author("Ä", "a@b"), "wörd\n\n", changed) == (
        b"commit refs/fleet/next\nmark :1\ncommitter \xc3\x84 <a@b> now\ndata 6\nw\xc3\xb6rd\n\n"
        b"from " + b"5" * 40 + b'\nD "gone"\nM 100755 inline "a \\"b\\\\"\ndata 3\n\xc3\xa4\n\nget-mark :1\ndone\n'
    )


def test_parse_what_git_prints() -> None:
    listing = f"100644 blob {ABC}\ta\tb\nc\0".encode() + f"120000 blob {ABC}\tä".encode() + b"\xff\0"
    assert parse_listing(listing) == {
        "a\tb\nc": Entry("100644", "blob", ABC),
        "ä\udcff": Entry("120000", "blob", ABC),
    }
    assert parse_listing(b"") == {}
    assert parse_contents(b"1111 blob 0\n\n2222 blob 7\n33 b 1\n\n") == {"1111": b"", "2222": b"33 b 1\n"}


@pytest.mark.parametrize(
    ("words", "kind", "meaning"),
    [
        ("fatal: couldn't find remote ref refs/heads/main", NoBranch, "no such branch"),
        ("fatal: remote error: upload-pack: not our ref 123", NoRevision, "no such commit"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", GitError, "no such repository"),
        ("remote: The project you were looking for could not be found or you", GitError, "no such repository"),
        ("ERROR: The key you are authenticating with has been marked as read only.", PushRefused, "may not push"),
        ("ERROR: Permission to platform/fleet.git denied to deploy key", PushRefused, "may not push"),
        ("remote: ERROR: This deploy key does not have write access to this", PushRefused, "may not push"),
        ("remote: HTTP Basic: Access denied. The provided password or token", GitError, "refuses the token"),
        ("fatal: unable to access 'x': The requested URL returned error: 403", PushRefused, "not have the right"),
        ("fatal: unable to access 'x': The requested URL returned error: 503", Interrupted, "busy"),
        ("error: RPC failed; curl 56 Recv failure: Connection reset by peer", Interrupted, "connection broke"),
        ("fatal: write error: No space left on device", GitError, "Set TMPDIR to a folder with space"),
        ("remote: fatal: write error: No space left on device", GitError, "remote: fatal: write error"),
        (
            "error: Cannot access URL x, return code 22\nfatal: git-http-push failed",
            GitError,
            "not as a Git server does",
        ),
        ("x: gnutls_handshake() failed: The TLS connection was closed", Interrupted, "connection broke"),
        ("kex_exchange_identification: Connection closed by remote host", Interrupted, "connection broke"),
        ("ssh: connect to host forge.example port 22: Connection timed out", Interrupted, "cannot be reached"),
        (
            'Load key "/x": incorrect passphrase supplied\nPermission denied (publickey).',
            GitError,
            "does not open the private key",
        ),
        (f"fatal: {URL}/info/refs not valid: is this a git repository?", GitError, "login page"),
        ("hint: try harder\nfatal: something unheard of\n", GitError, "something unheard of"),
        ("", GitError, "without a word"),
    ],
)
def test_explain_tells_faults_apart(words: str, kind: type[GitError], meaning: str) -> None:
    error = explain(URL, words, pushing=True)
    assert error.__class__ is kind
    assert str(error).startswith(f"{URL}: ")
    assert meaning in str(error)
    assert "hint:" not in str(error)
    assert explain(URL, words).__class__ is (GitError if kind is PushRefused else kind)


def test_explain_is_not_misled_by_names() -> None:
    for url in ("https://forge.example/certificates/read-only.git", "git@forge.example:certificates/read-only.git"):
        words = f"fatal: unable to access '{url}/': Could not resolve host: forge.example"
        assert "cannot be resolved" in str(explain(url, words, pushing=True))
        assert "no such repository" in str(explain(url, "Cannot find repository: certificates/read-only"))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("[rejected] (stale info)", LostRace),
        ("[rejected] (fetch first)", LostRace),
        ("[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)", LostRace),
        ("[remote rejected] (failed to update ref)", LostRace),
        ("[remote rejected] (reference already exists)", LostRace),
        ("[remote rejected] (pre-receive hook declined)", PushRefused),
        ("[remote rejected] (protected branch hook declined)", PushRefused),
        ("[remote rejected] (push declined due to repository rule violations)", PushRefused),
        ("[remote rejected] (unpacker error)", PushRefused),
        ("[remote rejected] (internal server error)", Interrupted),
    ],
)
def test_explain_push_by_what_git_prints_for_programs(reason: str, kind: type[GitError]) -> None:
    result = f"To {URL}\n!\t{ABC}:refs/heads/main\t{reason}\nDone\n"
    words = "remote: ------\nremote: \nremote: error: GH006: Not here.        \nerror: failed to push some refs"
    error = explain_push(URL, result, words)
    assert error.__class__ is kind
    assert f"GH006: Not here.; {reason}" in str(error)


def test_scrub() -> None:
    text = "a s3cret, https://u:p@ss@h/x http://tok@h ssh://git@h/x ssh://git:pw@h/x \x1b[31mred\r\n\tüber"
    assert scrub(text, ("s3cret", "")) == "a ********, https://h/x http://h ssh://git@h/x ssh://h/x [31mred\n\tüber"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("ssh://git@forge.example:2222/platform/fleet.git", None),
        ("git@forge.example:platform/fleet.git", None),
        ("git@[::1]:fleet.git", None),
        ("https://forge.example/platform/fleet.git", None),
        ("http://forge.example/fleet.git", "give ssh://, https://"),
        ("file:///srv/fleet.git", "give ssh://, https://"),
        ("/srv/fleet.git", "give ssh://, https://"),
        ("ext::sh", "give ssh://, https://"),
        ("-oProxyCommand=id:x", "give ssh://, https://"),
        ("git@-oProxyCommand=id:x", "give ssh://, https://"),
        ("https://forge.example/a b", "must not contain blanks"),
        ('https://forge.example"]\\x', "must not contain blanks"),
        ("https://forge.example/a\n[core]", "must not contain blanks"),
        ("https://name@forge.example/fleet.git", "must not hold credentials"),
        ("https://name:c4nary@forge.example/fleet.git", "must not hold credentials"),
        ("ssh://git:c4nary@forge.example/fleet.git", "must not hold credentials"),
    ],
)
def test_remote_check_url(url: str, hint: str | None) -> None:
    remote = Remote(url, "main")
    if hint is None:
        remote.check()
        return
    with pytest.raises(InvalidInput, match=hint) as caught:
        remote.check()
    assert "c4nary" not in str(caught.value)


def test_remote_check_names_every_problem_and_no_secret() -> None:
    remote = Remote("http://x", "-main", username="a\nb", token="c4n\nary", private_key="c4nary", known_hosts="c4nary")
    with pytest.raises(InvalidInput) as caught:
        remote.check()
    assert {problem.field for problem in caught.value.problems} == {"url", "branch", "username", "token"}
    assert "c4n" not in str(caught.value) + repr(remote)
    Remote("https://x/y", "main", protocols=("https",)).check()
    for branch in ("", "HEAD", "refs/heads/main", "-f"):
        with pytest.raises(InvalidInput, match="plain name"):
            Remote("https://x/y", branch).check()
