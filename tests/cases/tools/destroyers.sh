#!/bin/bash
# What destroys: rm -r leaves the weaver alive, what rmdirs regardless deletes it, hold prevents that.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

cat >"$W/remove.go" <<'END'
package main

import "os"

func main() {
	if os.RemoveAll(os.Args[1]) != nil {
		os.Exit(1)
	}
}
END
programs=('find "$1" -delete' 'python3 -c "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)" "$1"')
if command -v go >/dev/null; then
	(cd "$W" && GOCACHE=$W/go-cache GOFLAGS= go build -o "$W/remove" remove.go)
	programs+=('"$W/remove" "$1"')
fi
export W

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
	expect_fail test -e "$MNT/a"
done
assert_eq "" "$(pods)"
