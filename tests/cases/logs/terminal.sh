#!/bin/bash
# The log of a container with a terminal: escapes and carriage returns are the bytes that kubectl logs gives.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
id=$(cat /proc/sys/kernel/random/uuid)
make_pod_json a "$id" 'test -t 1 && printf "tty\nred \033[31mred\033[0m\n50%%\r100%%\n"; printf "prompt> "' |
	jq '.spec.containers[0] += {tty: true, stdin: true}' | k create -f - >/dev/null
wait_for 30 status_is a succeeded
k logs "weaver-$id" >"$W/expected"
grep -q '^tty' "$W/expected" || fail "there was no terminal"
cat "$MNT/a/logs" >"$W/got"
cmp "$W/expected" "$W/got" >&2 || fail "$(od -c "$W/expected" "$W/got")"
