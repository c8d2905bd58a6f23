#!/bin/bash
# weaver ttl shows and sets the time left, describe says all there is, and why what is wrong.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/cli.sh"

mount_weavers max_ttl_hours=10
mkdir "$MNT/a"
left()
{
	runs 0 weaver ttl "$@"
	[ "$out" -le "$expected" ] && [ "$out" -gt $((expected - 60)) ] || fail "ttl $*: $out, not $expected"
}
expected=14400 left a
expected=3600 left a 1h
expected=5400 left a +30m
expected=3600 left a -30m
runs 1 weaver ttl a 11h
assert_match 'a: ttl: Numerical result out of range: .*latest this weaver can live' "$err"
runs 1 weaver ttl a soon
assert_match 'Invalid argument' "$err"
runs 1 weaver ttl a -9h
expected=3600 left a
runs 2 weaver ttl

echo 'SECRET=hidden' >"$MNT/.weaverfs/defaults/env"
make_pod ended 'echo first; echo last words; exit 3'
mkdir "$MNT/b"
wait_for 60 status_is ended failed
runs 0 weaver describe ended b
for line in '^name +ended' 'status +failed' 'exit_code +3' 'reason' 'exit code 3' 'hint: ' 'created .*ago\)' \
	'expires .*\(in (3h|4h0m)' 'pod +weaver-' 'events' 'Scheduled' 'logs \(the end\)' '  last words'; do
	grep -qE "$line" <<<"$out" || fail "describe: no '$line' in: $out"
done
grep -q '^env  *SECRET$' <<<"$out" || fail "describe b: $out"
! grep -q hidden <<<"$out" || fail "describe shows the value of a variable"
