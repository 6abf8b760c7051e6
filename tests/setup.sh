#!/usr/bin/env bash
# Installs what the acceptance run needs beside Rust: the official SDK clients and the
# conformance suite, into target/acceptance/ and nowhere else.
#
# usage: tests/setup.sh           install what is missing (quick when nothing is)
#        tests/setup.sh --check   install nothing; say what is missing and exit 1
#
# It needs Python >= 3.11 with venv, Node >= 20 and npm; Node 22, which the suite asks for,
# comes from npm. Every version is pinned: requirements.txt and the package-lock.json files.
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
sources="$repository/tests"
installed="${ACCEPTANCE_DIR:-$repository/target/acceptance}"
check_only=false
[[ "${1:-}" == "--check" ]] && check_only=true
missing=()

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

require_program() { # NAME WHAT-FOR
  command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"
}

# A folder is up to date when it carries the checksum of the files that pin its contents.
fingerprint() { cat "$@" | cksum | cut -d' ' -f1; }
up_to_date() { # FOLDER FINGERPRINT PROBE...
  local folder="$1" wanted="$2"
  shift 2
  [[ -f "$folder/.installed" && "$(cat "$folder/.installed")" == "$wanted" ]] && "$@" >/dev/null 2>&1
}

install_python() {
  local folder="$installed/python" pins="$sources/clients/python/requirements.txt" wanted
  wanted="$(fingerprint "$pins")"
  up_to_date "$folder" "$wanted" "$folder/bin/python" -c 'import mcp' && return
  if $check_only; then
    missing+=("$folder: Python packages of $pins")
    return
  fi
  require_program python3 "the Python SDK client runs on it (Debian: python3)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "python3 is older than 3.11"
  say "installing the Python SDK client"
  rm -rf "$folder"
  python3 -m venv "$folder" || fail "python3 cannot make a venv (Debian: python3-venv)"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$pins" ||
    fail "pip could not install $pins: is a package index reachable?"
  "$folder/bin/python" -c 'import mcp' || fail "the Python SDK does not load"
  echo "$wanted" >"$folder/.installed"
}

npm_packages() { # FOLDER SOURCE
  require_program node "the TypeScript SDK client runs on it (Node >= 20)"
  require_program npm "it installs the Node packages"
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || fail "node is older than 20"
  rm -rf "$1"
  mkdir -p "$1"
  cp "$2/package.json" "$2/package-lock.json" "$1/"
  # No package's install script runs unasked.
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    fail "npm could not install $2: is a package registry reachable?"
}

install_typescript() {
  local folder="$installed/typescript" source="$sources/clients/typescript" wanted
  wanted="$(fingerprint "$source/package.json" "$source/package-lock.json")"
  up_to_date "$folder" "$wanted" test -d "$folder/node_modules/@modelcontextprotocol/client" && return
  if $check_only; then
    missing+=("$folder: Node packages of $source")
    return
  fi
  say "installing the TypeScript SDK client"
  npm_packages "$folder" "$source"
  echo "$wanted" >"$folder/.installed"
}

install_conformance() {
  local folder="$installed/conformance" source="$sources/conformance" wanted node22
  wanted="$(fingerprint "$source/package.json" "$source/package-lock.json")"
  node22="$folder/node_modules/node/bin/node"
  up_to_date "$folder" "$wanted" "$node22" --version && return
  if $check_only; then
    missing+=("$folder: Node packages of $source")
    return
  fi
  say "installing the conformance suite, the inspector and Node 22"
  npm_packages "$folder" "$source"
  # The package `node` fetches the binary of this platform; it is the one script that is wanted.
  (cd "$folder/node_modules/node" && node installArchSpecificPackage.js >"$folder/node22.log" 2>&1) ||
    fail "npm could not fetch Node 22: see $folder/node22.log"
  [[ "$("$node22" --version)" == v22.* ]] || fail "$node22 is not Node 22"
  echo "$wanted" >"$folder/.installed"
}

$check_only || mkdir -p "$installed"
install_python
install_typescript
install_conformance
if ((${#missing[@]})); then
  printf 'setup: missing %s\n' "${missing[@]}" >&2
  fail "run tests/setup.sh where a package registry can be reached"
fi
say "ready in ${installed#"$repository"/}"
