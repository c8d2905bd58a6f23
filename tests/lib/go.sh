# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases that want a Go program, sourced after case.sh. Go builds its library anew for each cache
# that it is given, a minute or two: so there is one for all cases and runs, and the program in it.

# gofs_build: sets gofs to the program of tests/lib/gofs.go. Fails without Go.
gofs_build()
{
	local cache=$WEAVERFS_TEST_CACHE/go go
	gofs=$cache/gofs-$(sha256sum <"$LIB/gofs.go" | head -c 16)
	[ ! -x "$gofs" ] || return 0
	go=$(type -P go || ls /usr/local/go/bin/go 2>/dev/null) || return 1
	mkdir -p "$cache"
	(cd "$W" && GOCACHE=$cache/cache GOFLAGS='' GO111MODULE=off CGO_ENABLED=0 \
		"$go" build -p 2 -o "$gofs.$$" "$LIB/gofs.go") || fail "tests/lib/gofs.go cannot be built"
	mv "$gofs.$$" "$gofs"
}
