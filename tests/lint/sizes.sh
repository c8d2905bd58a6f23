#!/bin/bash
# No .c file is longer than 500 lines, no function than 80, and no line wider than 100 columns.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
mapfile -t files < <(tests/lint/files '*.c')
[ ${#files[@]} -gt 0 ] || exit 1
bad=0
# Linux braces: only a function begins with a brace alone in the first column.
awk '
	function file_done() { if (lines > 500) { print file ": " lines " lines, 500 at most"; bad = 1 } }
	FNR == 1 { file_done(); file = FILENAME; start = 0 }
	{ lines = FNR }
	/^\{$/ { start = FNR }
	/^\}/ && start {
		if (FNR - start + 1 > 80) {
			print FILENAME ":" start ": function of " FNR - start + 1 " lines, 80 at most"
			bad = 1
		}
		start = 0
	}
	END { file_done(); exit bad }
' "${files[@]}" || bad=1

# Comments, that is: clang-format sees to code, leaves tables alone and does not break strings.
for file in $(tests/lint/files '*.c' '*.h'); do
	wide=$(sed -e '/clang-format off/,/clang-format on/s/.*//' -e 's/.*".*//' "$file" |
		expand -t 8 | LC_ALL=C.UTF-8 grep -nE '^.{101,}')
	[ -z "$wide" ] || { printf '%s\n' "$wide" | sed "s|^|$file:|"; bad=1; }
done
exit $bad
