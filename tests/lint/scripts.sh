#!/bin/bash
# Scripts parse, can be executed, and those of tests/ say at their top what they prove.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
bad=0
shell=()
complain()
{
	echo "$1"
	bad=1
}
for file in $(tests/lint/files '*'); do
	first=$(head -c 64 "$file" | tr -d '\0' | head -n 1)
	case $first in
	'#!'*python*) python3 -c 'import ast,sys; ast.parse(open(sys.argv[1]).read())' "$file" || bad=1 ;;
	'#!'*bash* | '#!'*/sh*) shell+=("$file") ;;
	*) case $file in *.sh) bash -n "$file" || bad=1 ;; esac; continue ;;
	esac
	[ -x "$file" ] || complain "$file: not executable"
done
[ ${#shell[@]} -gt 0 ] || complain "no scripts found"
for file in "${shell[@]}"; do
	bash -n "$file" || bad=1
	case $file in
	tests/cases/*.sh | tests/lint/*.sh)
		head -n 3 "$file" | grep -v SPDX | grep -qE '^# .{10}' || complain "$file: does not say what it proves" ;;
	esac
done
if command -v shellcheck >/dev/null; then
	shellcheck -x --severity=error "${shell[@]}" || bad=1
fi
exit $bad
