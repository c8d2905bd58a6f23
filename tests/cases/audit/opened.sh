#!/bin/bash
# With audit_follow=open a trail is fetched when it is opened, and when its weaver is ended; of one that ends by itself what is missing is said, once.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/audit.sh"

mount_weavers "$(audit_options),audit_follow=open"
audited_weaver a b
"$MNT/a/sh" -c 'exec sh -c "true seen"'
tails()
{
	local pid n=0
	for pid in $(grep -l 'audit-sidecar' /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3 || true); do
		! { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q "^/audit-sidecar tail .*--follow" || n=$((n + 1))
	done
	echo "$n"
}
before=$(tails)
wait_for 10 audit_has a '.event_type == "process_exec" and .details.argv[-1] == "true seen"'
[ "$(tails)" -gt "$before" ] || fail "an open trail is not followed"
echo exit >"$MNT/b/stdin" # nobody has opened its trail
wait_for 60 grep -qE 'succeeded|failed' "$MNT/b/status"
# Its sidecar ends with it, perhaps before it can be asked; then that is said.
said_last()
{
	tail -n 1 "$1" | jq -e '.details | .end or (.stage == "weaverfs" and .reason == "end")'
}
wait_for 30 said_last "$MNT/b/audit"
rmdir "$MNT/b"
wait_for 60 grep -qxE 'succeeded|failed' "$MNT/.archive/b~"*/status
said_last "$MNT/.archive/b~"*/audit >/dev/null
[ "$(tail -n 1 "$MNT/.archive/b~"*/audit | jq .details.end)" = true ] ||
	expect_fail weaver audit verify "$MNT/.archive/b~"*/audit
[ "$(grep -c '"reason":"end"' "$MNT/.archive/b~"*/audit)" -le 1 ] || fail "it is said more than once"
rmdir "$MNT/a" # while it terminates there is time
wait_for 60 grep -qxE 'succeeded|failed' "$MNT/.archive/a~"*/status
assert_eq true "$(tail -n 1 "$MNT/.archive/a~"*/audit | jq .details.end)" "the last word of a"
