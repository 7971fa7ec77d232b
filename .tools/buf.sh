#!/usr/bin/env bash
# Runs buf 1.75.0: $BUF if set, else the ready-made binary that npm fetches in seconds,
# else buf built from source (about four minutes the first time).
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary="$tools/node_modules/@bufbuild/buf-linux-x64/bin/buf"

if [[ -n "${BUF:-}" ]]; then
	exec "$BUF" "$@"
fi
if [[ ! -x "$binary" && "$(uname -sm)" == "Linux x86_64" ]] && command -v npm >/dev/null; then
	npm --prefix "$tools" ci --no-audit --no-fund --silent >&2 || true
fi
if [[ -x "$binary" ]]; then
	exec "$binary" "$@"
fi
exec go tool -modfile="$tools/buf/go.mod" buf "$@"
