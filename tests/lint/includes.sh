#!/bin/bash
# Includes follow the arrows k8s/base <- k8s <- fs, k8s/base <- sidecar, k8s/base <- tools.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
bad=0
seen=0
for file in $(tests/lint/files '*.c' '*.h'); do
	own=${file%/*}/
	case $file in
	k8s/base/*) may='k8s/base/' ;;
	k8s/*) may='k8s/' ;;
	fs/*) may='k8s/|fs/' ;;
	# doctor and setup look at a cluster before there is a mount
	tools/cluster/*) may='k8s/|tools/' ;;
	tools/* | sidecar/*) may="k8s/base/|$own" ;;
	tests/*) may='' ;;
	*) echo "$file: sources live in k8s, fs, sidecar, tools or tests"; bad=1; continue ;;
	esac
	seen=$((seen + 1))
	# a skeleton is made from its .bpf.c by the build, beside the objects
	found=$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$file" |
		grep -vE "\"($may)[^\"]*\"|\.skel\.h\"")
	if [ -n "$found" ]; then
		printf '%s\n' "$found" | sed "s|^|$file:|"
		bad=1
	fi
done
[ $seen -gt 0 ] && [ $bad -eq 0 ]
