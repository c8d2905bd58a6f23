#!/bin/bash
# A non-static symbol of foo.c begins with foo_ (main, and show, store, draft of fs/attr/attr_*.c excepted).
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
O=${O:-build/release}
bad=0
seen=0
for file in $(tests/lint/files 'k8s/*.c' 'fs/*.c' 'tools/*.c' 'sidecar/*.c' | grep -v '\.bpf\.c$'); do
	object=$O/${file%.c}.o
	if [ ! -f "$object" ]; then
		echo "$file: not built (no $object)"
		bad=1
		continue
	fi
	seen=$((seen + 1))
	stem=$(basename "$file" .c)
	allowed="^(main$|${stem//-/_}_|__odr_asan|__)"
	case $file in fs/attr/attr_*) allowed="$allowed|_(show|store|draft|act)$" ;; esac
	found=$(nm --extern-only --defined-only --format=posix "$object" | cut -d' ' -f1 | grep -vE "$allowed")
	if [ -n "$found" ]; then
		echo "$file:" $found
		bad=1
	fi
done
[ $seen -gt 0 ] && [ $bad -eq 0 ]
