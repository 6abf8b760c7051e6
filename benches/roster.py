"""The rows of servers.toml, and how each server is built and started."""
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

BENCHES = Path(__file__).resolve().parent
PEERS = BENCHES / "peers"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", BENCHES / "target")).resolve()
PEERS_TARGET = TARGET / "peers"


@dataclass(frozen=True)
class Server:
    """One row of servers.toml."""

    name: str
    kind: str
    package: str
    http: tuple[str, ...] | None
    stdio: tuple[str, ...] | None
    headers: tuple[str, ...] = ()
    lacks: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        match self.kind:
            case "python":
                return [str(PEERS_TARGET / self.package / "bin/python"), str(PEERS / self.package / "server.py")]
            case "node":
                return ["node", str(PEERS_TARGET / self.package / "server.mjs")]
            case "peer":
                return [str(PEERS_TARGET / "release" / self.package)]
        return [str(TARGET / "release" / self.package)]


def load_servers() -> list[Server]:
    rows = tomllib.loads((BENCHES / "servers.toml").read_text())["server"]
    return [Server(r["name"], r.get("kind", "rust"), r["package"], tuple(r["http"]) if "http" in r else None,
                   tuple(r["stdio"]) if "stdio" in r else None, tuple(r.get("headers", ())), r.get("lacks", {}))
            for r in rows]


def build(servers: list[Server]) -> dict[str, str]:
    """Builds what is to be measured; what can't be built is left out, with the reason by the server's name."""
    own = sorted({"loadgen", *(s.package for s in servers if s.kind == "rust")})
    subprocess.run(["cargo", "build", "--release", *(part for p in own for part in ("-p", p))], cwd=BENCHES, check=True)
    failed = {}
    for kind, package in dict.fromkeys((s.kind, s.package) for s in servers if s.kind != "rust"):
        try:
            build_peer(kind, package)
        except (subprocess.CalledProcessError, OSError) as error:
            reason = getattr(error, "stderr", None) or str(error)
            print(f"{package} can't be built:\n{reason}", file=sys.stderr)
            line = next((line for line in reason.splitlines() if line.startswith("error")), reason.strip()[-200:])
            failed |= {s.name: line for s in servers if s.package == package}
    return failed


def run(command: list[str], folder: Path) -> None:
    print(f"building: {' '.join(command)}", file=sys.stderr, flush=True)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def build_peer(kind: str, package: str) -> None:
    """One after the other: some of them need much memory, and none shall get another's features."""
    source, installed = PEERS / package, PEERS_TARGET / package
    if kind == "peer":
        return run(["cargo", "build", "--release", "--locked", "-p", package, "--target-dir", str(PEERS_TARGET)], PEERS)
    pins = source / ("requirements.txt" if kind == "python" else "package-lock.json")
    stamp = installed / ".installed"
    if not stamp.is_file() or stamp.read_text() != pins.read_text():
        if kind == "python":
            run([sys.executable, "-m", "venv", "--clear", str(installed)], BENCHES)
            pip = [str(installed / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            run([*pip, "-r", str(pins)], BENCHES)
        else:
            installed.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                (installed / name).write_bytes((source / name).read_bytes())
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], installed)
        stamp.write_text(pins.read_text())
    if kind == "node":
        (installed / "server.mjs").write_bytes((source / "server.mjs").read_bytes())
