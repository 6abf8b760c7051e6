"""A throw-away MariaDB: TLS, a user with every privilege, files allowed, and data that survive its processes only.

`secure_file_priv` is empty and `local_infile` is on, so that an attack on files would succeed
if it ever ran.
"""
import os
import secrets
import signal
import subprocess
from pathlib import Path

import packages
from certificates import Certificates
from daemon import Account, Daemon, free_port, make_folder, write_file

OPTIONS = ("--bind-address=127.0.0.1,127.0.0.2", "--max-connections=400", "--secure-file-priv=", "--local-infile=ON",
           "--skip-log-bin", "--skip-name-resolve", "--performance-schema=OFF", "--innodb-flush-log-at-trx-commit=2",
           "--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=64M",
           "--innodb-log-file-size=32M", "--innodb-fast-shutdown=2", "--character-set-server=utf8mb4",
           "--collation-server=utf8mb4_general_ci", "--default-time-zone=+00:00", "--max-allowed-packet=64M")
USERS = """CREATE DATABASE IF NOT EXISTS wharf;
CREATE OR REPLACE USER 'wharf'@'%' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO 'wharf'@'%' WITH GRANT OPTION;
DROP USER IF EXISTS 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost';
"""


class MariaDb:
    kind = "mariadb"

    def __init__(self, folder: Path, account: Account, certificates: Certificates):
        self.folder = make_folder(folder, account)
        self.account, self.certificates = account, certificates
        self.data = folder / "data"
        self.password = secrets.token_hex(12)
        self.port = 0
        self.daemon = Daemon("MariaDB", folder, account, self._command, self._answers, signal.SIGTERM)

    def prepare(self) -> None:
        make_folder(self.data, self.account)
        make_folder(self.folder / "tmp", self.account)
        self.daemon.prepare([packages.require("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", self._own_tmp(),
                             "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
                             "--innodb-flush-method=nosync", "--innodb-log-file-size=32M"])

    def finish_preparing(self) -> None:
        self.daemon.finish_preparing()
        self.certificates.give_server_files(self.folder, self.account)
        write_file(self.folder / "users.sql", USERS.format(password=self.password), self.account)

    def take_port(self) -> None:
        self.port = free_port()

    def _command(self) -> list:
        return [packages.require("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                self._own_tmp(),
                f"--socket={self.folder / 'socket'}", f"--pid-file={self.folder / 'pid'}", f"--init-file={self.folder / 'users.sql'}",
                f"--ssl-ca={self.certificates.ca}", f"--ssl-cert={self.folder / 'server.pem'}", f"--ssl-key={self.folder / 'server.key'}",
                *OPTIONS]

    def _own_tmp(self) -> str:
        """A server that starts removes the temporary tables of every other one in the same folder; so does what makes the data."""
        return f"--tmpdir={self.folder / 'tmp'}"

    def _answers(self) -> bool:
        environment = {**os.environ, "MYSQL_PWD": self.password}
        command = [packages.require("mariadb"), "--no-defaults", "--protocol=TCP", "-h127.0.0.1", f"-P{self.port}", "-uwharf",
                   "--connect-timeout=5", "-N", "-e", "SELECT 1", "wharf"]
        return subprocess.run(command, env=environment, capture_output=True, check=False).stdout == b"1\n"

    @property
    def url(self) -> str:
        return f"mysql://wharf:{self.password}@127.0.0.1:{self.port}/wharf"

    def environment(self) -> dict[str, str]:
        return {"WHARF_TEST_MYSQL_URL": self.url, "WHARF_TEST_MYSQL_DATA": str(self.data),
                "WHARF_TEST_MYSQL_CA": str(self.certificates.ca), "WHARF_TEST_OTHER_CA": str(self.certificates.other_ca)}
