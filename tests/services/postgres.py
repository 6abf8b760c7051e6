"""A throw-away PostgreSQL: TLS, passwords, room for many connections, and data that survive its processes only.

What an attack could reach is switched on rather than off (logical decoding, prepared
transactions, a superuser): a test that nothing happened is worth something only where it
could have happened.
"""
import os
import secrets
import signal
import subprocess
from pathlib import Path

import packages
import versions
from certificates import Certificates
from daemon import Account, Daemon, free_port, make_folder, write_file

SETTINGS = """
listen_addresses = '127.0.0.1,127.0.0.2'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 64MB
max_prepared_transactions = 20
wal_level = logical
max_wal_size = 2GB
fsync = off
full_page_writes = off
ssl = on
ssl_cert_file = '{certificate}'
ssl_key_file = '{key}'
timezone = 'UTC'
log_timezone = 'UTC'
"""
ACCESS = """
host all all 127.0.0.0/8 scram-sha-256
host replication all 127.0.0.0/8 scram-sha-256
"""


class Postgres:
    kind = "postgres"

    def __init__(self, folder: Path, account: Account, certificates: Certificates):
        self.folder = make_folder(folder, account)
        self.account, self.certificates = account, certificates
        self.data = folder / "data"
        self.bin = versions.reachable(packages.require("postgres").parent, account, self.folder)
        self.password = secrets.token_hex(12)
        self.port = 0
        self.daemon = Daemon("PostgreSQL", folder, account, self._command, self._answers, signal.SIGINT)

    def prepare(self) -> None:
        password = write_file(self.folder / "password", self.password, self.account)
        self.daemon.prepare([self.bin / "initdb", "--pgdata", self.data, "--username", "postgres", "--pwfile", password, "--auth",
                             "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"])

    def finish_preparing(self) -> None:
        self.daemon.finish_preparing()
        certificate, key = self.certificates.give_server_files(self.folder, self.account)
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(certificate=certificate, key=key))
        write_file(self.data / "pg_hba.conf", ACCESS, self.account)

    def take_port(self) -> None:
        self.port = free_port()

    def _command(self) -> list:
        return [self.bin / "postgres", "-D", self.data, "-p", self.port]

    def _answers(self) -> bool:
        environment = {**os.environ, "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"}
        command = [packages.require("psql"), "--no-psqlrc", "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres",
                   "-d", "postgres", "-c", "SELECT 1"]
        return subprocess.run(command, env=environment, capture_output=True, check=False).stdout == b"1\n"

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def environment(self) -> dict[str, str]:
        return {"WHARF_TEST_POSTGRES_URL": self.url, "WHARF_TEST_POSTGRES_BIN": str(self.bin),
                "WHARF_TEST_POSTGRES_DATA": str(self.data), "WHARF_TEST_POSTGRES_CA": str(self.certificates.ca),
                "WHARF_TEST_OTHER_CA": str(self.certificates.other_ca)}
