"""Where the servers' programs are, and how they get onto the machine when they are not.

Only Debian's own packages, only as root, only where apt-get is; anywhere else the failure
names the package and the command. No system service is started by an installation: the
tests start their own servers, on their own ports and data.
"""
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon import ServiceFailed

# An ordinary user's PATH has no sbin on Debian, where mariadbd lives.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
POSTGRES_VERSIONS = Path("/usr/lib/postgresql")
OLDEST_POSTGRES = 14
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Program:
    """What the tests run, the package that has it, and what for."""

    name: str
    package: str
    purpose: str


PROGRAMS = {
    "postgres": [Program("postgres", "postgresql", "the PostgreSQL server"),
                 Program("initdb", "postgresql", "the PostgreSQL server"),
                 Program("psql", "postgresql", "PostgreSQL's own client")],
    "mariadb": [Program("mariadbd", "mariadb-server", "the MariaDB server"),
                Program("mariadb-install-db", "mariadb-server", "the MariaDB server"),
                Program("mariadb", "mariadb-server", "MariaDB's own client")],
    "redis": [Program("redis-server", "redis-server", "the Redis server")],
    "tools": [Program("openssl", "openssl", "the certificates of the test servers"),
              Program("sqlite3", "sqlite3", "SQLite's own shell")],
}


def find(name: str) -> Path | None:
    """A program by name: PostgreSQL's beside its server, which Debian keeps off the PATH; others on the PATH and in sbin."""
    if name in ("postgres", "initdb"):
        folder = postgres_folder()
        return folder / name if folder else None
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def postgres_folder() -> Path | None:
    """The folder of the newest PostgreSQL, or of the one that WHARF_TEST_POSTGRES_BIN names."""
    if chosen := os.environ.get("WHARF_TEST_POSTGRES_BIN"):
        return Path(chosen) if has_server(Path(chosen)) else None
    versions = sorted((int(p.name), p / "bin") for p in POSTGRES_VERSIONS.glob("[0-9]*") if p.name.isdigit())
    for version, folder in reversed(versions):
        if version >= OLDEST_POSTGRES and has_server(folder):
            return folder
    on_path = shutil.which("postgres")
    folder = Path(on_path).resolve().parent if on_path else None
    return folder if folder and has_server(folder) else None


def has_server(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def require(name: str) -> Path:
    path = find(name)
    if path is None:
        raise ServiceFailed(f"{name} is missing")
    return path


def missing(kinds: list[str]) -> list[Program]:
    return [program for kind in kinds for program in PROGRAMS[kind] if find(program.name) is None]


def provide(kinds: list[str]) -> None:
    """Installs what is missing, or fails with the command that would."""
    chosen = os.environ.get("WHARF_TEST_POSTGRES_BIN")
    if "postgres" in kinds and chosen and not has_server(Path(chosen)):
        raise ServiceFailed(f"WHARF_TEST_POSTGRES_BIN is {chosen}, which has no postgres and initdb: correct it or unset it")
    lacking = missing(kinds)
    if not lacking:
        return
    packages = sorted({program.package for program in lacking})
    command = f"apt-get install {' '.join(packages)}"
    needs = "\n".join(f"  {p.name} is missing: {p.purpose} (Debian: {p.package})" for p in lacking)
    if os.geteuid() != 0:
        raise ServiceFailed(f"the tests need servers that are not installed, and only root may install them\n{needs}\n"
                            f"run as root: {command}")
    if shutil.which("apt-get") is None:
        raise ServiceFailed("the tests need servers that are not installed, and there is no apt-get to install them with\n"
                            f"{needs}\ninstall what `{command}` would on Debian")
    install(packages)
    if still := missing(kinds):
        raise ServiceFailed(f"{still[0].name} is still missing after `{command}`")


def install(packages: list[str]) -> None:
    print(f"services: installing {' '.join(packages)}", file=sys.stderr, flush=True)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    with no_services_started():
        code, _ = apt(command)
        if code != 0:
            # The lists may be absent or too old to name files that the mirror still has.
            apt(["apt-get", "update"])
            code, said = apt(command)
            if code != 0:
                raise ServiceFailed(f"`{' '.join(command)}` failed with exit code {code}\n{said}")


def apt(command: list[str]) -> tuple[int, str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, "\n".join(f"    | {line}" for line in done.stdout.splitlines()[-15:])


@contextmanager
def no_services_started(policy: Path = POLICY):
    """Debian's own way to install a server without starting it; a policy that is there already is its owner's will."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\n# Written by scripts/services while it installs packages.\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
