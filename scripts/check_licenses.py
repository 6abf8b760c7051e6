#!/usr/bin/env python3
"""Checks the licence of every dependency, and the banned crates, against deny.toml.

cargo-deny does this and more, but takes minutes to build; this reads the same file and
needs only cargo and Python's standard library. It judges what Cargo.toml of each crate
declares, on every platform; it does not read licence texts and knows no advisories.
The set of crates comes from `cargo tree`, because `cargo metadata` also lists optional
dependencies that no feature of ours switches on.

usage: scripts/check_licenses.py [--manifest-path Cargo.toml]
Prints one line per problem and last `N crates checked, N problems`; exit 1 on a problem.
"""
import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TOKEN = re.compile(r"\(|\)|/|[A-Za-z0-9.+:-]+")


class LicenseExpression:
    """An SPDX expression: `OR` needs one side, `AND` both; `/` is Cargo's old way to write `OR`."""

    def __init__(self, text: str, allowed: set[str]):
        self.tokens = TOKEN.findall(text)
        if "".join(self.tokens) != re.sub(r"\s", "", text):
            raise ValueError("unknown characters")
        self.allowed = allowed
        self.position = 0

    def accepted(self) -> bool:
        result = self._either()
        if self._peek() is not None:
            raise ValueError(f"unexpected {self._peek()!r}")
        return result

    def _peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise ValueError("unexpected end")
        self.position += 1
        return token

    def _either(self) -> bool:
        result = self._both()
        while self._peek() in ("OR", "/"):
            self._next()
            # Not `or`: the right side has to be read in any case.
            result = self._both() | result
        return result

    def _both(self) -> bool:
        result = self._one()
        while self._peek() == "AND":
            self._next()
            result = self._one() & result
        return result

    def _one(self) -> bool:
        token = self._next()
        if token == "(":
            result = self._either()
            if self._next() != ")":
                raise ValueError("missing )")
            return result
        if token in ("AND", "OR", "WITH", "/", ")"):
            raise ValueError(f"unexpected {token!r}")
        if self._peek() == "WITH":
            self._next()
            token = f"{token} WITH {self._next()}"
        return token in self.allowed


def license_problem(declared: str, allowed: set[str]) -> str | None:
    if not declared:
        return "declares no licence; read its licence file and add an exception to deny.toml"
    try:
        if LicenseExpression(declared, allowed).accepted():
            return None
    except ValueError as error:
        return f"licence {declared!r} cannot be read: {error}"
    return f"licence {declared!r} is not allowed by deny.toml"


def problems(crate: str, version: str, declared: str, rules: dict) -> list[str]:
    allowed = set(rules["licenses"]["allow"])
    for exception in rules["licenses"].get("exceptions", []):
        if exception["crate"] == crate:
            allowed |= set(exception["allow"])
    found = [license_problem(declared, allowed)]
    for ban in rules["bans"].get("deny", []):
        if ban["crate"] == crate:
            found.append(f"is banned: {ban.get('reason', 'see deny.toml')}")
    return [f"{crate} {version}: {problem}" for problem in found if problem]


def linked_crates(manifest_path: Path) -> set[tuple[str, str, str]]:
    """Name, version and declared licence of every crate, on every platform, for every kind of use."""
    command = ["cargo", "tree", "--workspace", "--all-features", "--target", "all", "--edges", "normal,build,dev",
               "--prefix", "none", "--format", "{p}\t{l}", "--manifest-path", str(manifest_path)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    crates = set()
    for line in filter(None, lines):
        package, _, declared = line.partition("\t")
        name, version, *_ = package.split(" ")
        # A crate that was printed before is marked with (*) behind its licence.
        crates.add((name, version.removeprefix("v"), declared.removesuffix("(*)").strip()))
    return crates


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--manifest-path", type=Path, default=REPOSITORY / "Cargo.toml")
    o = p.parse_args()
    rules = tomllib.loads((REPOSITORY / "deny.toml").read_text())
    crates = sorted(linked_crates(o.manifest_path))
    found = [problem for crate in crates for problem in problems(*crate, rules)]
    for problem in found:
        print(problem)
    print(f"{len(crates)} crates checked, {len(found)} problems")
    return 1 if found or not crates else 0


if __name__ == "__main__":
    sys.exit(main())
