#!/bin/bash
# Who watches .drafts and .archive sees what comes, changes and goes there, whoever did it, once.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/watch.sh"

over()
{
	[ "$(cat "$MNT/.archive/$1~"*/status)" != terminating ]
}

entry_of()
{
	basename "$MNT/.archive/$1~"*
}

mount_weavers archive_max_bytes=1000000
watch "$W/drafts" "$MNT/.drafts"
watch "$W/root" "$MNT"
watch "$W/archive" "$MNT/.archive"

# Drafts: made, copied into, renamed, taken away; the defaults and `new` are none.
D=$MNT/.drafts
mkdir "$D/a" "$D/b"
echo 100m >"$D/a/cpu"
mv "$D/a" "$D/c"
mv "$D/c" "$MNT/w"
expect_fail mv "$D/b" "$MNT/w"
expect_fail mkdir "$D/B"
rmdir "$D/b"
printf '%s\n' "CREATE,ISDIR $D/a" "CREATE,ISDIR $D/b" "MOVED_FROM,ISDIR $D/a" "MOVED_TO,ISDIR $D/c" \
	"MOVED_FROM,ISDIR $D/c" "DELETE,ISDIR $D/b" >"$W/expected.drafts"
same_events "$W/expected.drafts" "$W/drafts"
echo "MOVED_TO,ISDIR $MNT/w" >"$W/expected.root"
same_events "$W/expected.root" "$W/root"
mkdir "$D/e"
watch "$W/draft-files" "$D/e"
echo 100m | dd of="$D/e/cpu" conv=notrunc status=none
assert_errno 'Invalid argument' dd of="$D/e/cpu" conv=notrunc <<<none
echo A=1 >>"$D/e/env"
printf '%s\n' "MODIFY $D/e/cpu" "MODIFY $D/e/env" >"$W/expected.draft-files"
same_events "$W/expected.draft-files" "$W/draft-files"

# The archive: what rmdir, kubectl and the reaper end comes there at once.
A=$MNT/.archive
make_pod deleted 'sleep 1000'
make_pod expired 'trap "sleep 1; echo last; exit 3" TERM; echo first; while :; do sleep 0.1; done'
make_pod_json unplaced "$(cat /proc/sys/kernel/random/uuid)" true '{"nodeSelector": {"none": "x"}}' |
	k create -f - >/dev/null
wait_for 30 status_is deleted running
wait_for 30 status_is expired running
wait_for 30 has_printed expired first
wait_for 30 status_is w running
: >"$W/archive"
k delete pod --wait=false "$(pod_of deleted)" >/dev/null
wait_for 10 test -s "$W/archive"
echo 1 >"$MNT/expired/ttl"
wait_for 20 grep -q '/expired~' "$W/archive"
expired=$(entry_of expired)
watch "$W/entry" "$A/$expired"
rmdir "$MNT/w"
wait_for 10 grep -q '/w~' "$W/archive"
k delete pod --force --grace-period=0 "$(pod_of unplaced)" >/dev/null 2>&1
for w in deleted expired w unplaced; do
	echo "CREATE,ISDIR $A/$(entry_of $w)"
done >"$W/expected.archive"
same_events "$W/expected.archive" "$W/archive"
for w in deleted expired w unplaced; do
	wait_for 60 over $w
done

# What it becomes in the end is seen in its files, and what it printed.
assert_eq "first last" "$(xargs <"$A/$expired/logs")"
saw()
{
	grep -qx "MODIFY $A/$expired/$1" "$W/entry"
}
for file in status exit_code logs pod.json; do
	wait_for 10 saw $file
done
assert_eq "" "$(grep -v '^MODIFY ' "$W/entry" || true)" "only modifications"

# Purged by its owner, and by the bounds when there is too much.
rmdir "$A/$expired"
echo "DELETE,ISDIR $A/$expired" >>"$W/expected.archive"
same_events "$W/expected.archive" "$W/archive"
oldest=$(entry_of deleted)
for w in big bigger; do
	make_pod $w 'seq 100001 185714; sleep 1'
	wait_for 60 status_is $w succeeded
	rmdir "$MNT/$w"
	echo "CREATE,ISDIR $A/$(entry_of $w)" >>"$W/expected.archive"
	wait_for 30 over $w
done
gone()
{
	! [ -e "$A/$oldest" ]
}
wait_for 20 gone
wait_for 20 grep -qx "DELETE,ISDIR $A/$oldest" "$W/archive"
for w in $(sed -n "s,^DELETE.* $A/,,p" "$W/archive"); do
	! [ -e "$A/$w" ] || fail "$w is there, and its removal was told"
	[ "$(grep -c "/$w\$" "$W/archive")" = 2 ] || fail "not one of each: $(grep "/$w\$" "$W/archive")"
done
assert_eq "$(grep -c ^CREATE "$W/archive")" "$(($(grep -c ^DELETE "$W/archive") + $(ls "$A" | wc -l)))" "what came, went or is there"
assert_eq 0 "$(missed)"
watch_end
