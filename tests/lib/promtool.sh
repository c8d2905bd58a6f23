# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Prometheus' own linter. It is fetched out of Debian's package, which would start a server.

# promtool_needs: skips where it is not to be had.
promtool_needs()
{
	local cache=$WEAVERFS_TEST_CACHE/promtool
	PATH=$PATH:$cache/usr/bin
	! command -v promtool >/dev/null || return 0
	mkdir -p "$cache"
	(cd "$cache" && apt-get -qq download prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb) \
		>"$W/promtool.log" 2>&1 || skip "no promtool, and no package to take it from"
}

# promtool_check: fails with what it finds in the metrics on standard input.
promtool_check()
{
	promtool check metrics >"$W/promtool.said" 2>&1 || fail "$(cat "$W/promtool.said")"
	[ ! -s "$W/promtool.said" ] || fail "$(cat "$W/promtool.said")"
}
