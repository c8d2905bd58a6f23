#!/bin/bash
# The configurations of docs/nixos.md parse, have only options that there are, and break no assertion.
# cluster: sim
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/nix.sh"

# One file a block: flake.N for the first kind, configuration.N for the second.
awk '
	/^```nix/ { file = ($2 ? $2 : "flake") "." ++n; next }
	/^```$/ { file = ""; next }
	file { print > file }' "$nix_top/docs/nixos.md"
for file in flake.*; do
	nix-instantiate --store dummy:// --parse "$file" >/dev/null
done
count=0
for file in configuration.*; do
	assert_eq '[]' "$(nix_evaluate failed "$(cat "$file")")" "$file"
	nix_evaluate services "$(cat "$file")" >/dev/null
	count=$((count + 1))
done
[ "$count" -ge 4 ] || fail "only $count configurations found"
