"""A throw-away Redis with a password and nothing on disk."""
import secrets
import signal
import socket
from pathlib import Path

import packages
from certificates import Certificates
from daemon import Account, Daemon, free_port, make_folder, write_file


class Redis:
    kind = "redis"

    def __init__(self, folder: Path, account: Account, _certificates: Certificates):
        self.folder = make_folder(folder, account)
        self.account = account
        self.password = secrets.token_hex(12)
        self.port = 0
        self.daemon = Daemon("Redis", folder, account, self._command, self._answers, signal.SIGTERM)

    def prepare(self) -> None:
        write_file(self.folder / "redis.conf", f'bind 127.0.0.1\nsave ""\nappendonly no\ndir {self.folder}\n'
                                               f"requirepass {self.password}\n", self.account)

    def finish_preparing(self) -> None:
        pass

    def take_port(self) -> None:
        self.port = free_port()

    def _command(self) -> list:
        return [packages.require("redis-server"), self.folder / "redis.conf", "--port", self.port]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                s.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                got = b""
                while got.count(b"\r\n") < 2 and (part := s.recv(256)):
                    got += part
                return got == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def environment(self) -> dict[str, str]:
        return {"WHARF_TEST_REDIS_URL": f"redis://:{self.password}@127.0.0.1:{self.port}/0"}
