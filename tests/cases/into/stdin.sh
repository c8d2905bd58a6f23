#!/bin/bash
# WEAVER/stdin and WEAVER/attach are the main process: what is written to one and typed into the
# other arrives, what it prints is seen, Ctrl-P Ctrl-Q leaves it alone, and no end of input reaches it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
assert_eq 200 "$(stat -c %a "$MNT/a/stdin")"
assert_errno 'Permission denied' cat "$MNT/a/stdin"
echo 'echo from-"stdin"' >"$MNT/a/stdin"
wait_for 20 grep -q 'from-stdin' "$MNT/a/logs"
for i in {1..20}; do
	echo "echo number-\"$i\"" >"$MNT/a/stdin"
done
wait_for 20 grep -q 'number-20' "$MNT/a/logs"
assert_eq "$(seq 1 20)" "$(tr -d '\r' <"$MNT/a/logs" | sed -n 's/.*number-\([0-9][0-9]*\)$/\1/p')"
assert_eq running "$(cat "$MNT/a/status")" "after the end of what was written"

t new-session -d -x 100 -y 30 "$MNT/a/attach; echo attach ended with \$?; exec cat"
sleep_until_attached()
{
	t send-keys 'echo from-"attach"' Enter
	shows 'from-attach'
}
wait_for 20 sleep_until_attached
wait_for 20 grep -q 'from-attach' "$MNT/a/logs"
t send-keys 'stty size' Enter
wait_for 20 shows '30 100'
t send-keys C-p C-q
wait_for 20 shows 'weaver: detached'
wait_for 20 shows 'attach ended with 0'
t_end
assert_eq running "$(cat "$MNT/a/status")" "after detaching"

# the process ends: both say so
t new-session -d -x 100 -y 30 "$MNT/a/attach; echo attach ended with \$?; exec cat"
wait_for 20 sleep_until_attached
echo 'exit 5' >"$MNT/a/stdin"
wait_for 20 shows 'attach ended with 5'
t_end
wait_for 20 status_is a failed
assert_match 'endpoint is not connected' \
	"$(bash -c "echo x >'$MNT/a/stdin'" 2>&1 || true)"
grep -q 'stdin a by uid 0, pid [0-9]*: ok' "$W/weaverfs.log" || fail "stdin is not in the log"
grep -q 'attach a by uid 0, pid [0-9]*: ok' "$W/weaverfs.log" || fail "attach is not in the log"
