# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environments of a checkout: what `make setup` and `make lock` run.

Runs on the bare interpreter (standard library only), since it makes what everything else runs on. Each environment is
stamped with the digest of what it was made from, so that a second run only compares digests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
TOOLS = ROOT / ".venv-tools"
RECIPE = b"3"  # another number when what is made from the same locks changes
# Options of `uv pip compile`: a lock holds versions and hashes, and no word about where they were fetched.
COMPILE = ["--quiet", "--no-config", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
COMPILE += ["--no-annotate", "--no-header", "--upgrade"]


@dataclass(frozen=True)
class Environment:
    """A virtual environment, the locks that it is made from, and the interpreters that will do (3.x, best first).

    Each also gets kubernetes.core, from the lock named by `wheels`; those that are `linked` get a link to the checkout,
    so that Ansible and Python find it as an installed collection.
    """

    folder: str
    lock: str
    minors: tuple[int, ...]
    wheels: str
    linked: bool = True

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"


MAIN = Environment(".venv", "dev", (11, 12, 13), "wheels")
NEWEST = Environment(".venv-2.21", "dev-2.21", (12, 13, 14), "wheels-2.21")
IMPORTER = Environment(".venv-importer", "importer", (11, 12, 13), "wheels", linked=False)
LOCKED = {"tools": 11, "dev": 11, "dev-2.21": 12, "importer": 11, "wheels": 11, "wheels-2.21": 12}


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; its output is shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=settings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nsetup: FAILED ({done.returncode}): {' '.join(map(str, command))}")


def settings() -> dict[str, str]:
    """The environment for pip and uv: what a person has told pip about mirrors and certificates holds for uv too."""
    variables = {key: value for key, value in os.environ.items() if key not in {"PIP_FIND_LINKS", "VIRTUAL_ENV"}}
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if theirs in variables:
            variables.setdefault(ours, variables[theirs])
    variables.update(PIP_DISABLE_PIP_VERSION_CHECK="1", UV_NO_PROGRESS="1")
    return variables


def works(python: Path, minor: int) -> bool:
    """Whether this is Python 3.<minor>; pyenv's shims exist for versions that then refuse to run."""
    code = f"import sys, venv; sys.exit(sys.version_info[:2] != (3, {minor}))"
    done = subprocess.run([python, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0


def candidates(minor: int) -> list[Path]:
    """Where Python 3.<minor> may be: this interpreter, pyenv's versions, PATH."""
    found = [Path(sys.executable)]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip()
        found += sorted(Path(root, "versions").glob(f"3.{minor}*/bin/python3.{minor}"), reverse=True)
    on_path = shutil.which(f"python3.{minor}")
    return found + ([Path(on_path)] if on_path else [])


def interpreter(minors: tuple[int, ...]) -> Path | None:
    for minor in minors:
        for python in candidates(minor):
            if python.exists() and works(python, minor):
                return python
    return None


def digest(environment: Environment) -> str:
    """What the environment is made from: its locks, the recipe, and where the checkout is (scripts hold that path)."""
    parts = [(LOCKS / f"{name}.txt").read_bytes() for name in (environment.lock, environment.wheels)]
    parts += [RECIPE, str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_current(path: Path, wanted: str) -> bool:
    stamp = path / ".stamp"
    return stamp.is_file() and stamp.read_text() == wanted and (path / "bin" / "python").exists()


def make_tools() -> Path:
    """Have uv, itself locked, in a small environment; returns the program."""
    lock = LOCKS / "tools.txt"
    wanted = hashlib.sha256(lock.read_bytes() + str(ROOT).encode()).hexdigest()
    if not is_current(TOOLS, wanted):
        say(f"fetching uv into {TOOLS.name}")
        run(sys.executable, "-m", "venv", "--clear", TOOLS)
        run(TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", lock)
        (TOOLS / ".stamp").write_text(wanted)
    return TOOLS / "bin" / "uv"


def site_packages(environment: Environment) -> Path:
    return next((environment.path / "lib").glob("python3*/site-packages"))


def add_collections(environment: Environment) -> None:
    """Put collections under site-packages/ansible_collections, where Ansible looks unasked."""
    collections = site_packages(environment) / "ansible_collections"
    kept = environment.path / "wheels"
    scratch = environment.path / "unpacking"
    shutil.rmtree(scratch, ignore_errors=True)  # a set-up that was killed left it
    # pip and not uv: only pip can download without installing, and only these few files are wanted.
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-requires-python"]
    options += ["--no-cache-dir", f"--dest={scratch}", f"--requirement={LOCKS / environment.wheels}.txt"]
    run(TOOLS / "bin" / "python", "-m", "pip", "download", *options)
    with zipfile.ZipFile(next(scratch.glob("ansible-*.whl"))) as archive:
        wanted = "ansible_collections/kubernetes/core/"
        archive.extractall(scratch, [name for name in archive.namelist() if name.startswith(wanted)])
    shutil.rmtree(collections, ignore_errors=True)
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    shutil.move(next(scratch.glob("pip-*.whl")), kept)
    shutil.move(scratch / "ansible_collections", collections)
    shutil.rmtree(scratch)
    if environment.linked:
        (collections / "fluxops").mkdir()
        (collections / "fluxops" / "fleet").symlink_to(ROOT, target_is_directory=True)
    # One name for the folder above, whatever the version of Python: mypy and ANSIBLE_COLLECTIONS_PATH want such a one.
    tree = environment.path / "collections"
    tree.mkdir(exist_ok=True)
    (tree / "ansible_collections").unlink(missing_ok=True)
    (tree / "ansible_collections").symlink_to(collections, target_is_directory=True)


def make(environment: Environment) -> bool:
    """Make an environment or leave it as it is; False where this machine has no Python for it."""
    wanted = digest(environment)
    if is_current(environment.path, wanted):
        say(f"{environment.folder} is up to date")
        return True
    python = interpreter(environment.minors)
    if python is None:
        versions = ", ".join(f"3.{minor}" for minor in environment.minors)
        say(f"{environment.folder} is SKIPPED: no Python {versions} on PATH or under pyenv")
        return False
    started = time.monotonic()
    uv = make_tools()
    lock = LOCKS / f"{environment.lock}.txt"
    say(f"making {environment.folder} from requirements/{lock.name} with {python}")
    if not (is_usable(environment) and same_version(environment, python)):
        run(uv, "venv", "--quiet", "--clear", "--no-config", "--python", python, environment.path)
    (environment.path / ".stamp").unlink(missing_ok=True)
    # Bytecode as pip leaves it: without, every run of Ansible compiles some 500 files where it may not write.
    options = ["--quiet", "--no-config", "--require-hashes", "--compile-bytecode"]
    run(uv, "pip", "sync", *options, "--python", environment.python, lock)
    say(f"unpacking kubernetes.core into {environment.folder} (from requirements/{environment.wheels}.txt)")
    add_collections(environment)
    (environment.path / ".stamp").write_text(wanted)
    say(f"{environment.folder} is ready ({time.monotonic() - started:.0f} s)")
    return True


def is_usable(environment: Environment) -> bool:
    return (environment.path / "pyvenv.cfg").is_file() and environment.python.exists()


def same_version(environment: Environment, python: Path) -> bool:
    ask = "import sys; print(sys.version)"
    versions = {
        subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False).stdout
        for path in (environment.python, python)
    }
    return len(versions) == 1


def make_locks() -> None:
    """Write requirements/*.txt anew from requirements/*.in, with the newest releases that fit."""
    uv = make_tools()
    for name, minor in LOCKED.items():
        say(f"locking requirements/{name}.in")
        extent = "--no-deps" if name.startswith("wheels") else "--universal"
        options = [*COMPILE, extent, f"--python-version=3.{minor}", f"--output-file={name}.txt"]
        run(uv, "pip", "compile", *options, f"{name}.in", cwd=LOCKS)


def main(arguments: list[str]) -> int:
    """`setup` (all that tests need), `lock`, or the folder of one environment."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a machine's python3 may be older than its newest
        newer = interpreter(MAIN.minors)
        if newer is None:
            raise SystemExit("setup: Python >= 3.11 is needed; say which with `make PYTHON=/path/to/python3.11 …`")
        os.execv(newer, [str(newer), __file__, *arguments])
    holder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)  # two at once (a demo and a test) would undo each other's work
    what = arguments[0] if arguments else "setup"
    if what == "lock":
        make_locks()
        return 0
    if what == "setup":
        if not make(MAIN):
            return 1
        make(NEWEST)
        return 0
    return 0 if make(next(item for item in (MAIN, NEWEST, IMPORTER) if item.folder == what)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
