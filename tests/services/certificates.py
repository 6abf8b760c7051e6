"""A throw-away certificate authority, so that tests can show what verification accepts and refuses.

The server's certificate names `localhost` and 127.0.0.1. The servers listen on 127.0.0.2
as well: there the same certificate is for the wrong name. `other-ca.pem` is an authority
that signed nothing: a client that trusts only it must refuse every server.
"""
import subprocess
from dataclasses import dataclass
from pathlib import Path

import packages
from daemon import Account, ServiceFailed

DAYS = "3"
SERVER_EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,IP:127.0.0.1
"""


@dataclass(frozen=True)
class Certificates:
    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other_ca(self) -> Path:
        return self.folder / "other-ca.pem"

    def give_server_files(self, folder: Path, account: Account) -> tuple[Path, Path]:
        """Copies certificate and key to where one server alone can read them, as PostgreSQL insists."""
        copies = []
        for name in ("server.pem", "server.key"):
            copy = folder / name
            copy.write_bytes((self.folder / name).read_bytes())
            copy.chmod(0o600)
            account.own(copy)
            copies.append(copy)
        return copies[0], copies[1]


def make(folder: Path) -> Certificates:
    folder.mkdir(mode=0o755)
    for name in ("ca", "other-ca"):
        run(folder, "req", "-x509", *new_key(f"{name}.key"), "-out", f"{name}.pem", "-days", DAYS, "-subj", f"/CN=Wharf tests {name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    run(folder, "req", *new_key("server.key"), "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "extensions").write_text(SERVER_EXTENSIONS)
    run(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
        "-days", DAYS, "-extfile", "extensions")
    return Certificates(folder)


def new_key(file: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file]


def run(folder: Path, *arguments: str) -> None:
    done = subprocess.run([packages.require("openssl"), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceFailed(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
