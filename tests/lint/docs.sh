#!/bin/bash
# docs/files.md says what fs/table.c says. With --write: makes it say so.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
O=${O:-build/release}
program=$O/unit/files_doc
make -s O="$O" "$program" >/dev/null || exit 1
case ${1:-} in
--write) "$program" >docs/files.md ;;
*)
	"$program" | diff -u docs/files.md - && exit
	echo "docs/files.md is not up to date: tests/lint/docs.sh --write"
	exit 1
	;;
esac
