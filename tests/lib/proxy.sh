# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A CONNECT proxy between weaverfs and its API server: for proxy-url, and to cut a connection of
# weaverfs alone. Sourced by cases after case.sh; they end it with proxy_stop.

# proxy_start: on the same port each time.
proxy_start()
{
	"$LIB/proxy" "$W/proxy.port" "$W/proxy.log" &
	proxy_pid=$!
	wait_for 10 proxy_serves
}

proxy_serves()
{
	[ -s "$W/proxy.port" ] && (: <>"/dev/tcp/127.0.0.1/$(cat "$W/proxy.port")")
}

# Its connections end with it, in the middle of whatever was on the way.
proxy_stop()
{
	end_by_force "$proxy_pid"
}

# proxy_kubeconfig FILE: its cluster is reached through the proxy from now on.
proxy_kubeconfig()
{
	local json
	json=$("$KUBECTL" --kubeconfig "$1" config view --raw -o json |
		jq --arg url "http://127.0.0.1:$(cat "$W/proxy.port")" '.clusters[].cluster["proxy-url"] = $url')
	echo "$json" >"$1"
}
