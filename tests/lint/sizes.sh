#!/bin/bash
# No .c file is longer than 500 lines, no function longer than 80.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
mapfile -t files < <(tests/lint/files '*.c')
[ ${#files[@]} -gt 0 ] || exit 1
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
' "${files[@]}"
