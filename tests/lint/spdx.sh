#!/bin/bash
# Every source names its licence: C on the first line, scripts and the like within three.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
bad=0
seen=0
for file in $(tests/lint/files '*'); do
	case $file in
	*.c | *.h) lines=1 ;;
	*.sh | *.py | *.go | *.nix | *.service | *.yaml | Makefile | */Makefile | *Dockerfile*) lines=5 ;;
	*) head -c 2 "$file" | grep -aq '^#!' || continue; lines=5 ;;
	esac
	seen=$((seen + 1))
	if ! head -n $lines "$file" | grep -q 'SPDX-License-Identifier: '; then
		echo "$file: no SPDX-License-Identifier within the first $lines lines"
		bad=1
	fi
done
[ $seen -gt 0 ] && [ $bad -eq 0 ]
