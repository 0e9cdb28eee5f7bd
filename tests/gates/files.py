# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no other tool checks about the files of the checkout. Each check returns (number of files seen, problems)."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

Found = tuple[int, list[str]]

HEADER = """\
# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
# In parts, since this file is checked too.
REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("proxy", "golang", "org"),
    ("sum", "golang", "org"),
    ("registry", "npmjs", "org"),
    ("crates", "io"),
    ("repo1", "maven", "org"),
    ("deb", "debian", "org"),
)


def listed(root: Path) -> list[Path]:
    """The files that git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return sorted(path for path in (root / name for name in set(names) if name) if path.is_file())


def headers(root: Path) -> Found:
    """Every Python file says whose it is and under which licence; an empty one has nothing to say it about."""
    files = [path for path in listed(root) if path.suffix == ".py" and path.stat().st_size]
    problems = [
        f"{path.relative_to(root)}: does not begin with the three lines about copyright and licence"
        for path in files
        if not path.read_text(encoding="utf-8").removeprefix("#!/usr/bin/python\n").startswith(HEADER)
    ]
    return len(files), problems


def registries(root: Path) -> Found:
    """Where packages come from is the business of a machine's settings: mirrors and air gaps must stay possible."""
    pattern = re.compile("|".join(r"\b" + r"\.".join(parts) + r"\b" for parts in REGISTRIES).encode())
    files = listed(root)
    problems = []
    for path in files:
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if pattern.search(line):
                problems.append(f"{path.relative_to(root)}:{number}: names a package registry")
    return len(files), problems


def faults(root: Path) -> Found:
    """Each row of docs/faults.md names tests, and each of them is there."""
    problems, rows = [], 0
    for line in (root / "docs" / "faults.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if not line.startswith("| ") or cells[-1] == "test":
            continue
        rows += 1
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", cells[-1])
        if len(cells) != 3 or ", ".join(f"`{path}::{name}`" for path, name in named) != cells[-1] or not named:
            problems.append(f"docs/faults.md: the row of {cells[0]!r} has no three cells, the last of them tests")
        missing = [f"{path}::{name}" for path, name in named if name not in functions(root / "tests" / path)]
        problems += [f"docs/faults.md: the row of {cells[0]!r} names {one}, which is not there" for one in missing]
    return rows, problems


def functions(path: Path) -> set[str]:
    """The functions of a Python file; none where there is no file."""
    tree = ast.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def roles(root: Path) -> Found:
    """A role's defaults and its argument specification name the same variables, with the same values."""
    folders = sorted(path for path in (root / "roles").glob("*") if path.is_dir())
    problems = [problem for folder in folders for problem in role(folder)]
    return len(folders), problems


def role(folder: Path) -> list[str]:
    specs = load(folder / "meta" / "argument_specs.yml").get("argument_specs", {})
    if "main" not in specs:
        return [f"roles/{folder.name}: meta/argument_specs.yml has no entry point main"]
    options: dict[str, Any] = {}
    for entry in specs.values():
        options.update(entry.get("options", {}))
    defaults = load(folder / "defaults" / "main.yml")
    optional = {name for name, option in options.items() if not option.get("required")}
    where = f"roles/{folder.name}: {{}} stands"
    problems = [
        where.format(name) + " in defaults/main.yml, and not in meta/argument_specs.yml"
        for name in sorted(defaults.keys() - options.keys())
    ]
    problems += [
        where.format(name) + " in meta/argument_specs.yml, is not required, and has no default in defaults/main.yml"
        for name in sorted(optional - defaults.keys())
    ]
    problems += [
        where.format(name) + f" as {options[name]['default']!r} in the specification, as {value!r} in the defaults"
        for name, value in defaults.items()
        if "default" in options.get(name, {}) and options[name]["default"] != fallback(value)
    ]
    return problems


def fallback(value: Any) -> Any:
    """What a default comes to where the inventory says nothing: 300 for ``{{ fleet_timeout | default(300) }}``."""
    found = re.fullmatch(r"\{\{ fleet_\w+ \| default\((.*)\) \}\}", value) if isinstance(value, str) else None
    return yaml.safe_load(found.group(1)) if found else value


def load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
