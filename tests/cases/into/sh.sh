#!/bin/bash
# WEAVER/sh runs a command: exit codes, both outputs, arguments of any kind, input to its end, 100 MB
# each way; not running and not there are sentences and 255.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
sh=$MNT/a/sh

assert_eq 0 "$(status_of "$sh" -c true)" "exit 0"
assert_eq 7 "$(status_of "$sh" -c 'exit 7')" "exit 7"
assert_eq 137 "$(status_of "$sh" -c 'kill -9 $$')" "killed"
assert_eq 127 "$(status_of "$sh" -c no-such-program)" "no such program"
assert_eq "out" "$("$sh" -c 'echo out; echo err >&2' 2>err)"
assert_eq "err" "$(cat err)"
assert_eq "/workspace 1000" "$("$sh" -c 'echo $(pwd) $(id -u)')"
assert_eq $'a b\n*\n\'"\\\n\n$x\nlast' "$("$sh" -c 'printf "%s\n" "$@"' 0 'a b' '*' \''"\' '' '$x' last)"
assert_eq $'two\nlines' "$("$sh" -c 'echo "$1"' 0 $'two\nlines')"
long=$(head -c 60000 /dev/zero | tr '\0' x)
assert_eq 60000 "$("$sh" -c 'echo "${#1}"' 0 "$long")" "a long argument"

# the end of input
assert_eq 10 "$(printf 0123456789 | "$sh" -c 'wc -c' | xargs)"
assert_eq 0 "$("$sh" -c 'wc -c' </dev/null | xargs)" "no input"
assert_eq script "$(echo 'echo script' | "$sh")" "a shell that reads commands"
: | "$sh" -c 'cat; exit 3' || assert_eq 3 $? "after the end of input"

# the end: of the command alone, of what it has left behind, of the whole group, of its output
assert_eq $'now\nlate' "$("$sh" -c '(sleep 1.5; echo late) & echo now')"
"$sh" -c '(sleep 1.5; echo late >&2) & exit 4' 2>err || assert_eq 4 $? "with a background"
assert_eq late "$(cat err)"
assert_eq 4 "$(status_of timeout 30 "$sh" -c 'sleep 600 >/dev/null 2>&1 & exit 4')" "a background that is silent"
assert_eq 143 "$(status_of "$sh" -c 'kill 0')" "its shell and all"
assert_eq 6 "$(status_of "$sh" -c 'exec >&- 2>&-; exit 6')" "its outputs closed"
printf 'a\036b\036' >like
assert_eq "$(sha256sum <like)" "$("$sh" -c cat <like | sha256sum)" "what a trailer begins with"
assert_eq 300000 "$("$sh" -c 'seq 300000' | (sleep 3 && tail -n 1))" "to a slow reader"

# where it is called from and how
assert_eq x "$(cd "$MNT/a" && ./sh -c 'echo x')"
assert_eq x "$(cd "$MNT/a" && sh sh -c 'echo x')" "as a script of sh"
assert_eq x "$(sh "$sh" -c 'echo x')"
assert_eq x "$(cd "$MNT" && weaver sh a -c 'echo x')" "weaver sh"
assert_eq x "$(WEAVER_MOUNT=$MNT weaver sh a -c 'echo x')"
assert_eq x "$("$MNT/$(cat "$MNT/a/id")/sh" -c 'echo x')" "by its id"
assert_eq x "$(env -i /bin/sh "$sh" -c 'echo x')" "without anything of ours: the weaver beside weaverfs"
assert_eq "a b" "$(weaver exec "$MNT/a" echo 'a b')"
assert_eq 127 "$(status_of weaver exec "$MNT/a" no-such-program)"
assert_match "no-such-program" "$(cat "$W/err")"

# nothing is lost
head -c 100M /dev/urandom >big
sum=$(sha256sum <big)
assert_eq "$sum" "$("$sh" -c sha256sum <big)" "100 MB in"
assert_eq "$sum" "$("$sh" -c cat <big | sha256sum)" "100 MB both ways"
[ "$(head -c 100M /dev/zero | sha256sum)" = "$("$sh" -c 'head -c 104857600 /dev/zero' | sha256sum)" ] ||
	fail "100 MB out"

# 20 at once
pids=()
for i in {1..20}; do
	head -c 1000000 big | "$sh" -c "cat; echo $i; exit $i" >"said.$i" &
	pids+=($!)
done
for i in {1..20}; do
	status=0
	wait "${pids[i - 1]}" || status=$?
	assert_eq "$i" "$status" "exit code of number $i"
	assert_eq "$((1000000 + ${#i} + 1))" "$(wc -c <"said.$i")" "output of number $i"
	assert_eq "$i" "$(tail -n 1 "said.$i" | tail -c "$((${#i} + 1))")"
done

# what cannot be
mkdir "$MNT/late"
status=0
"$MNT/late/sh" -c true 2>err || status=$?
if [ "$(cat "$MNT/late/status")" = pending ]; then
	assert_eq 255 "$status" "not running"
	assert_match "weaver: late is not running: pending" "$(cat err)"
	assert_match $'\tlate/sh\tENOTCONN\t' "$(cat "$MNT/.weaverfs/errors")"
fi
assert_eq 255 "$(status_of weaver sh "$MNT/nobody" -c true)"
assert_match "nobody: No such file or directory" "$(cat "$W/err")"
make_pod short 'exit 0'
wait_for 40 status_is short succeeded
assert_eq 255 "$(status_of "$MNT/short/sh" -c true)" "it has ended"
assert_match "short is not running: succeeded" "$(cat "$W/err")"
grep -q 'sh a by uid 0, pid [0-9]*: ok' "$W/weaverfs.log" || fail "who did what is not in the log"
! grep -q -e 'no-such-program' -e 'exit 7' "$W/weaverfs.log" || fail "arguments are in the log"
umount_weavers
