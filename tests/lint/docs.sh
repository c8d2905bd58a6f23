#!/bin/bash
# docs/files.md says what table.c says, docs/troubleshooting.md what doctor does. With --write: makes them.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
O=${O:-build/release}
make -s O="$O" "$O/unit/files_doc" "$O/weaver" "$O/weaver-cluster" >/dev/null || exit 1
bad=0

# page FILE COMMAND…: FILE is what it prints.
page()
{
	local file=$1
	shift
	if [ "$mode" = --write ]; then
		"$@" >"$file.new" && mv "$file.new" "$file"
		return
	fi
	"$@" | diff -u "$file" - && return
	echo "$file is not up to date: tests/lint/docs.sh --write"
	bad=1
}

# The page with the table of doctor between its two comments.
troubleshooting()
{
	sed '/^<!-- from tools.cluster.trouble.c/q' docs/troubleshooting.md
	"$O/weaver" doctor --list || return
	sed -n '/^<!-- end of the table -->/,$p' docs/troubleshooting.md
}

mode=${1:-}
page docs/files.md "$O/unit/files_doc"
page docs/troubleshooting.md troubleshooting
exit $bad
