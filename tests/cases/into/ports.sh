#!/bin/bash
# WEAVER/ports/<n> is a TCP port in the weaver: curl through it, 50 at once, a 50 MB download; a
# closed port and the ports of others are refused; sockets go away when nobody uses them.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"
port=$(free_port)

# get PORT PATH [CURL-OPTIONS]
get()
{
	local port=$1 path=$2
	shift 2
	curl -sS --max-time 60 --unix-socket "$MNT/a/ports/$port" "$@" "http://w/$path"
}

serves()
{
	[ "$(get "$port" hello)" = hello ]
}

ports_in_use()
{
	ls "$MNT/a/ports" | xargs
}

no_ports_in_use()
{
	[ -z "$(ports_in_use)" ]
}

mount_weavers
as 2001:2001 mkdir "$MNT/a"
wait_for 40 status_is a running
assert_eq "" "$(ports_in_use)"
"$MNT/a/sh" -c 'mkdir /tmp/www && cd /tmp/www && echo hello >hello &&
	dd if=/dev/urandom of=big bs=1048576 count=50 2>/dev/null && sha256sum big' >sum
"$MNT/a/sh" -c 'exec busybox httpd -f -p "127.0.0.1:$0" -h /tmp/www' "$port" 2>httpd.err &
server=$!
wait_for 20 serves

assert_eq $port "$(ports_in_use)"
[ -S "$MNT/a/ports/$port" ] || fail "ports/$port is no socket"
assert_eq 600 "$(stat -c %a "$MNT/a/ports/$port")"
assert_eq "$(cut -d ' ' -f 1 sum)" "$(get "$port" big | sha256sum | cut -d ' ' -f 1)" "50 MB"
pids=()
for i in {1..50}; do
	get "$port" hello -o "got.$i" &
	pids+=($!)
done
for i in {1..50}; do
	wait "${pids[i - 1]}" || fail "number $i of 50"
	assert_eq hello "$(cat "got.$i")" "number $i of 50"
done
# from nothing: 20 look-ups of one socket at once
wait_for 20 no_ports_in_use
pids=()
for i in {1..20}; do
	get "$port" hello -o "got.$i" &
	pids+=($!)
done
for i in {1..20}; do
	wait "${pids[i - 1]}" || fail "number $i of 20"
done
assert_eq hello "$(get "$port" hello)"

# a closed port, in the server's words
status=0
get 81 hello 2>/dev/null || status=$?
# An end without an answer, or a reset where the request had already been sent.
[[ $status = 52 || $status = 56 ]] || fail "curl of a closed port: status $status"
assert_match $'\tconnect\ta/ports/81\tECONNREFUSED\t.*81' "$(tail -n 1 "$MNT/.weaverfs/errors")"
for name in 0 08 65536 -1 x '' 80x; do
	[ -z "$name" ] || expect_fail stat "$MNT/a/ports/$name"
done

# whose it is
assert_eq 2001 "$(stat -c %u "$MNT/a/ports/$port")"
assert_eq hello "$(as 2001:2001 curl -sS --unix-socket "$MNT/a/ports/$port" http://w/hello)"
expect_fail as 2002:2002 curl -sS --unix-socket "$MNT/a/ports/$port" http://w/hello
expect_fail mkdir "$MNT/a/ports/x"
expect_fail touch "$MNT/a/ports/x"
tar -C "$MNT" -cf /dev/null a 2>/dev/null || fail "tar of a weaver"

kill "$server"
wait "$server" 2>/dev/null || true
wait_for 20 none_in_weaver a 'httpd -f'
wait_for 20 no_ports_in_use
umount_weavers
