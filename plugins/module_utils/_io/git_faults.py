# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may import this file.
# It may change or go in any release.
"""What git, ssh and the forges say when something fails (with LC_ALL=C), as errors that say what would be right.

Pure: words in, an error out. Nothing here calls a program.
"""

from __future__ import annotations

import re

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import GitError, LostRace, PushRefused

# What helps where nobody may push to the branch.
BY_PULL_REQUEST = "Say fleet_publish: pull_request, or let this key or token push there"

# What ssh tells nobody where the passphrase comes from a program, in ssh-keygen's words.
UNOPENED = "Load key: incorrect passphrase supplied to decrypt private key"


class Interrupted(GitError):
    """The connection broke, or the server was busy: the same call may succeed a moment later."""


class NoBranch(GitError):
    """The repository is there, but it is empty or lacks the branch."""


class NoRevision(GitError):
    """The server has no commit of that id, or does not give it away."""


# In this order: ssh and git add general words ("Could not read from remote repository") to what was the matter.
RULES: tuple[tuple[str, type[GitError], str], ...] = (
    (r"couldn't find remote ref", NoBranch, "has no such branch"),
    (r"not our ref|unadvertised object", NoRevision, "has no such commit"),
    (
        r"host key for \S+ has changed",
        GitError,
        "the server shows another host key than the pinned one. Find out why, before you put it into known_hosts",
    ),
    (
        r"no \S+ host key is known for|host key verification failed",
        GitError,
        "the server's host key is not in known_hosts. Pin it there, as the server's operator publishes it",
    ),
    (
        r"incorrect passphrase",
        GitError,
        "the option passphrase (fleet_repository_passphrase) does not open the private key. Give the right one",
    ),
    (r"load key ", GitError, "ssh cannot read the private key. Give a whole OpenSSH private key"),
    (
        r"read.?only|write access|not authorized to write|to deploy key|not permitted to (?:push|write)",
        PushRefused,
        "this key or token may not push. Give it write access, or publish by pull request",
    ),
    (
        r"permission denied \([a-z0-9,-]+\)|too many authentication failures",
        PushRefused,
        "the server refuses the SSH key. Give a private key that has access there",
    ),
    (r"could not read (?:username|password) for", GitError, "the server wants credentials here. Give a token"),
    (
        r"authentication failed|returned error: 401|http basic: access denied|invalid username or (?:password|token)",
        GitError,
        "the server refuses the token or the user name. Give a token that is valid there",
    ),
    (r"returned error: 403", PushRefused, "the token does not have the right to do this. Give one that has"),
    (
        r"repository ('.*' )?not found|cannot find repository|not appear to be a git|could not be found|error: 404",
        GitError,
        "there is no such repository, or these credentials may not see it. Check the URL, and their rights",
    ),
    (r"could not resolve", GitError, "the host's name cannot be resolved. Check the URL and the DNS"),
    (
        r"certificate|gnutls_x509",
        GitError,
        "the server's TLS certificate is not trusted. Give its CA's certificate in ca_cert",
    ),
    (
        r"valid: is this a git repository|git-http-push",  # the latter where a page has one line: an empty old server
        GitError,
        "the address answers, but not as a Git server does. Check the URL, and for a login page or a proxy before it",
    ),
    (r"transport '\S+' not allowed", GitError, "git may not go to this address"),
    (
        r"^(?!remote:).*(?:no space left on device|disk quota exceeded|file too large)",
        GitError,
        "git can't write its temporary files on this machine. Set TMPDIR to a folder with space",
    ),
    (r"cannot run ssh", GitError, "git finds no ssh program. Install OpenSSH's client"),
    (r"returned error: (?:429|5\d\d)", Interrupted, "the server is busy or broken for now"),
    (
        r"failed to connect|connect to host|connection (?:refused|timed out)|no route to host|network is unreachable",
        Interrupted,
        "the server cannot be reached. Check host, port, firewall and proxy",
    ),
    (
        (
            r"rpc failed|early eof|unexpected disconnect|empty reply|too slow|recv failure|non-properly|broken pipe"
            r"|kex_exchange_identification|connection (?:reset|closed)|connection to .* closed|handshake|not responding"
        ),
        Interrupted,
        "the connection broke",
    ),
    (r"hung up unexpectedly", Interrupted, "the connection broke"),
)

_RACE = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to (?:lock|update ref)|incorrect old value"
    r"|reference already exists|is at \S+ but expected",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"declined|protect|denied|not allowed|prohibited|read.only|permission|unpacker error|violation|quota|too large",
    re.IGNORECASE,
)
_RESULT = re.compile(r"^!\t[^\t]*\t(?P<reason>.*)$", re.MULTILINE)
_FORGE = re.compile(r"^(?:remote|ERROR):[ \t]*(?P<words>.*\S)\s*$", re.MULTILINE)


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without secrets, without passwords (in http also names) in URLs, and without control characters."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "********")
    text = re.sub(r"(?<=://)[^/\s]*:[^/\s]*@|(?<=http://)[^/\s]+@|(?<=https://)[^/\s]+@", "", text)
    return re.sub(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", text)


def explain(url: str, words: str, *, pushing: bool = False) -> GitError:
    """The error for what git, ssh or the forge said; unknown words are passed on. A right is missed only by a push."""
    path = re.sub(r"^(?:\w+://[^/]*/|[^:/]*:)", "", url).removesuffix(".git")
    lines = [(line, line.replace(url, "").replace(path, "") if path else line) for line in words.splitlines()]
    for pattern, kind, meaning in RULES:
        said = [line.strip() for line, nameless in lines if re.search(pattern, nameless, re.IGNORECASE)]
        if said:
            raised = GitError if kind is PushRefused and not pushing else kind
            return raised(f"{url}: {meaning}. Git says: {_forge_words(words) or said[0]}")
    return GitError(f"{url}: {_last_words(words) or 'git failed without a word'}")


def explain_push(url: str, result: str, words: str) -> GitError:
    """The error for a push that failed. ``result`` is what ``git push --porcelain`` printed, ``words`` its stderr."""
    found = _RESULT.search(result)
    if not found:
        return explain(url, words, pushing=True)
    reason = found["reason"]
    said = "; ".join(filter(None, (_forge_words(words), reason)))
    if _RACE.search(reason):
        return LostRace(f"{url}: the branch moved while this run worked: {said}")
    if _REFUSED.search(said):
        remedy = f". {BY_PULL_REQUEST}" if re.search(r"protect|rule violations", said, re.IGNORECASE) else ""
        return PushRefused(f"{url}: the forge refuses the push: {said}{remedy}")
    return Interrupted(f"{url}: the push did not land: {said}")


def _forge_words(words: str) -> str:
    """What the server itself said, on one line, without the rulers and blank lines that forges put around it."""
    lines = (re.sub(r"^(?:error:\s*)+", "", match["words"], flags=re.IGNORECASE) for match in _FORGE.finditer(words))
    return " ".join(line.strip() for line in lines if re.search(r"\w", line))[-1000:]


def _last_words(words: str) -> str:
    """Git's own stderr, without its hints, not longer than an error may be."""
    return "\n".join(line for line in words.splitlines() if line.strip() and not line.startswith("hint:"))[-2000:]
