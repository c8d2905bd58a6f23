#!/bin/bash
# What destroys: rm -r leaves the weaver alive, what rmdirs regardless deletes it, hold prevents that.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/go.sh"

programs=('find "$1" -delete' 'python3 -c "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)" "$1"')
! type -P node >/dev/null || programs+=('node -e "require(\"fs\").rmSync(process.argv[1], {recursive: true, force: true})" "$1"')
! perl -MFile::Path -e 1 2>/dev/null || programs+=('perl -MFile::Path=rmtree -e "rmtree(@ARGV)" "$1"')
if gofs_build; then
	programs+=("'$gofs' remove \"\$1\"")
fi

mount_weavers
for program in "${programs[@]}"; do
	mkdir "$MNT/a"
	assert_errno 'Operation not permitted' rm -r "$MNT/a"
	assert_errno 'Operation not permitted' busybox rm -rf "$MNT/a"
	test -d "$MNT/a" || fail "rm -r has deleted the weaver"
	echo 1 >"$MNT/a/hold"
	bash -c "$program" - "$MNT/a" >/dev/null 2>&1 || true
	test -d "$MNT/a" || fail "$program has deleted a weaver that is held"
	assert_errno 'Device or resource busy' rmdir "$MNT/a"
	echo 0 >"$MNT/a/hold"
	bash -c "$program" - "$MNT/a" >/dev/null 2>&1 || true
	! [ -e "$MNT/a" ] || fail "$program has left the weaver alive"
done
assert_eq "" "$(pods)"
