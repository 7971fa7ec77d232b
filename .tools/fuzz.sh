#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (default 10s) and ends with a table: executions, and inputs that reached new code.
# PACKAGES (./...) says where to look, FUZZ, a regular expression over package and name, chooses among what is there.
# An input is made smaller 20 times at most: by default Go spends a minute on each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
rows=""

# "go test -list" prints the names of a package and then a line "ok <package> ...".
targets="$(go test -list '^Fuzz' ${PACKAGES:-./...} | awk '/^Fuzz/ {names[n++] = $1; next} {if ($1 == "ok") for (i = 0; i < n; i++) print $2, names[i]; n = 0}')"
while read -r package name; do
	[[ -z "$package" || ! "$package $name" =~ ${FUZZ:-.} ]] && continue
	verdict=ok
	if ! go test -run '^$' -fuzz "^${name}\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 20x "$package" </dev/null 2>&1 | tee "$log"; then
		verdict=FAIL
		status=1
	fi
	last="$(grep -E 'execs: [0-9]+' "$log" | tail -1 || true)"
	execs="$(sed -nE 's/.*execs: ([0-9]+).*/\1/p' <<<"$last")"
	fresh="$(sed -nE 's/.*new interesting: ([0-9]+).*/\1/p' <<<"$last")"
	rows+="$(printf '%-4s  %-40s %12s %8s  %s' "$verdict" "$name" "${execs:-0}" "${fresh:-0}" "$package")"$'\n'
done <<<"$targets"

printf '\n%-4s  %-40s %12s %8s  %s\n%s' "" target executions new package "$rows"
exit "$status"
