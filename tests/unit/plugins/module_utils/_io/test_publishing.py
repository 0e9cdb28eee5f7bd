# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of topic branches, snapshots with a change in them, whose name commits bear."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ansible_collections.fluxops.fleet.plugins.module_utils._fleet.errors import InvalidInput, PushRefused
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_author import Author
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_faults import explain_push
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_objects import Commit, parse_commit
from ansible_collections.fluxops.fleet.plugins.module_utils._io.git_snapshot import Overlaid
from ansible_collections.fluxops.fleet.plugins.module_utils._io.publishing import named
from ansible_collections.fluxops.fleet.plugins.module_utils._io.worktree import Worktree


class Files(dict[str, str]):
    """A snapshot of these files."""

    def paths(self, prefix: str) -> list[str]:
        return sorted(path for path in self if f"{path}/".startswith(f"{prefix}/") or not prefix)

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        return {path: self[path] for path in paths if path in self}


def test_topics_are_named_by_what_they_are_about() -> None:
    assert named("bootstrap", ["staging-1"]) == "bootstrap-staging-1"
    assert named("bootstrap", ["a", "b"]) == named("bootstrap", ["b", "a"])
    names = {named(verb, names) for verb in ("bootstrap", "onboard") for names in (["a"], ["a", "b"], ["ab"], [])}
    assert len(names) == 8
    assert all(len(name) < 64 for name in names)


def test_overlaid_shows_the_change() -> None:
    below = Files({"a/x": "1", "a/y": "2", "b": "3"})
    above = Overlaid(below, {"a/x": None, "a/y": b"new", "a/z": "\u00e4".encode(), "c/d": b""})
    assert above.paths("") == ["a/y", "a/z", "b", "c/d"]
    assert above.paths("a") == above.paths("a/") == ["a/y", "a/z"]
    assert above.paths("c/d") == ["c/d"]
    assert above.read(["a/x", "a/y", "a/z", "b", "absent"]) == {"a/y": "new", "a/z": "\u00e4", "b": "3"}


@pytest.mark.parametrize(
    ("author", "field"),
    [
        (Author(name="a\nb"), "author_name"),
        (Author(name=""), "author_name"),
        (Author(email="a@b>"), "author_email"),
        (Author(signing_key="ssh-ed25519 AAAA"), "signing_key"),
    ],
)
def test_author_that_git_would_not_take(author: Author, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        author.check()
    assert [problem.field for problem in caught.value.problems] == [field]


def test_commit_as_git_prints_it() -> None:
    text = b"tree 1\nparent 2\nparent 3\nauthor A <a@b> 1 +0000\ngpgsig -----BEGIN\n tree 9\n\nsubject\n\nbody\n"
    assert parse_commit(text) == Commit("1", ("2", "3"), "subject\n\nbody\n")


@pytest.mark.parametrize(
    ("words", "named_way_out"),
    [
        ("remote: error: GH006: Protected branch update failed for refs/heads/main.", True),
        ("remote: GitLab: You are not allowed to push code to protected branches on this project.", True),
        ("remote: error: GH013: Repository rule violations found for refs/heads/main.", True),
        ("remote: a file is too large", False),
    ],
)
def test_refused_push_names_the_way_out(words: str, named_way_out: bool) -> None:
    error = explain_push("ssh://git@git.example/a.git", "!\tx:refs/heads/main\t[remote rejected] (declined)\n", words)
    assert isinstance(error, PushRefused)
    assert ("fleet_publish: pull_request" in str(error)) == named_way_out


def test_worktree_writes_deletes_and_keeps_modes(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a").mkdir()
    script = tmp_path / "a" / "run.sh"
    script.write_text("old")
    script.chmod(0o755)
    (tmp_path / "gone" / "deep").mkdir(parents=True)
    (tmp_path / "gone" / "deep" / "file").write_text("x")
    worktree = Worktree(str(tmp_path / "a"))
    assert worktree.paths("") == ["a/run.sh", "gone/deep/file"]
    worktree.write({"a/run.sh": b"new", "gone/deep/file": None, "b/c/d.yaml": b"d", "absent": None})
    assert worktree.read(["a/run.sh", "b/c/d.yaml", "b/c", "absent"]) == {"a/run.sh": "new", "b/c/d.yaml": "d"}
    assert script.stat().st_mode & 0o777 == 0o755
    assert worktree.paths("") == ["a/run.sh", "b/c/d.yaml"]
    assert not (tmp_path / "gone").exists()
    with pytest.raises(InvalidInput):
        worktree.write({"../outside": b""})
    with pytest.raises(InvalidInput):
        worktree.write({".git/config": b""})
