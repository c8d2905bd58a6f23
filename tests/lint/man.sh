#!/bin/bash
# The manual pages say what --help and docs/files.md say, and are sound roff. With --write: makes them say so.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
O=${O:-build/release}
tests/lint/man_pages.py "$O" "$@" || exit 1
bad=0
for page in docs/man/*.[1-8]; do
	section=${page##*.} name=$(basename "${page%.*}")
	grep -q "^\.TH ${name^^} $section " "$page" || { echo "$page: .TH names another page"; bad=1; }
	grep -q "^$name \\\\- " "$page" || { echo "$page: no NAME that whatis(1) finds"; bad=1; }
	# no pages, complaints only
	! command -v groff >/dev/null || said=$(groff -man -Tutf8 -Kutf8 -ww -z "$page" 2>&1)
	[ -z "${said-}" ] || { echo "$said"; bad=1; }
done
exit $bad
