#!/bin/bash
# What the pages refer to is there: files that they link to, and cases that they name as proof.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
bad=0
seen=0
for page in README.md docs/*.md; do
	for target in $(grep -oE '\]\([^)#:]+' "$page" | cut -c 3-); do
		seen=$((seen + 1))
		[ -e "$(dirname "$page")/$target" ] || { echo "$page: no $target"; bad=1; }
	done
	for case in $(sed -n '/^|.*| `.*|$/s/.*| \(.*\) |$/\1/p' "$page" | grep -oE '`[a-z]+/[a-z_]+`' | tr -d '`'); do
		seen=$((seen + 1))
		[ -e "tests/cases/$case.sh" ] || [ -e "$case" ] || { echo "$page: no case $case"; bad=1; }
	done
done
[ $seen -gt 0 ] && exit $bad
