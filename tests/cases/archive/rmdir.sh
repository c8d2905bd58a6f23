#!/bin/bash
# What rmdir leaves behind: every file, and the log to the last line that was printed while terminating.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

entry_over()
{
	status=$(cat "$1/status") && [ "$status" != terminating ]
}

mount_weavers
# It handles TERM by printing on for a second, then says that it is done.
make_pod a 'trap "stop=1" TERM; i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); echo line $i
	[ -z "${stop-}" ] || left=$((${left:-10} - 1)); [ "${left:-1}" -gt 0 ] || break
	sleep 0.1; done; echo last $i; exit 3'
wait_for 30 status_is a running
wait_for 30 has_printed a 'line 5'
id=$(cat "$MNT/a/id")
for file in image command args id pod node owner created env memory; do
	cp "$MNT/a/$file" "$W/before.$file"
done
rmdir "$MNT/a"
entry=$MNT/.archive/a~${id: -8}
assert_eq "a~${id: -8}" "$(ls "$MNT/.archive")"
assert_eq terminating "$(cat "$entry/status")"
assert_eq "rmdir $(id -u):$(id -g)" "$(cat "$entry/deleted_by")"
wait_for 30 entry_over "$entry"

# Every number once, in order, and what it printed last.
n=$(grep -c '^line ' "$entry/logs")
[ "$n" -ge 10 ] || fail "only $n lines"
assert_eq "$(seq "$n" | sed 's/^/line /'; echo "last $n")" "$(cat "$entry/logs")"
assert_eq 3 "$(cat "$entry/exit_code")"
assert_eq failed "$(cat "$entry/status")"
for file in image command args id pod node owner created env memory; do
	assert_eq "$(cat "$W/before.$file")" "$(cat "$entry/$file")" "$file"
done
assert_match '^20[0-9-]{8}T[0-9:]{8}Z$' "$(cat "$entry/deleted")"
assert_eq "weaver-$id" "$(jq -r .metadata.name "$entry/pod.json")"
assert_eq "$(stat -c %s "$entry/logs")" "$(wc -c <"$entry/logs")"

# It is nobody's to change but to remove.
assert_errno 'Operation not permitted' mkdir "$MNT/.archive/x"
assert_errno 'Operation not permitted' mv "$entry" "$MNT/.archive/b"
assert_errno 'Operation not permitted' touch "$entry/new"
assert_errno 'Operation not permitted' rm "$entry/logs"
if echo x 2>/dev/null >"$entry/tags"; then fail "a file of the archive can be written"; fi
before=$(cd "$entry" && cat logs status deleted deleted_by reason id)
remount
assert_eq "$before" "$(cd "$entry" && cat logs status deleted deleted_by reason id)"
rmdir "$entry"
assert_eq "" "$(ls "$MNT/.archive")"
remount
assert_eq "" "$(ls "$MNT/.archive")"
assert_eq "" "$(find "$W"/state/*/*/archive "$W"/state/*/*/spool -type f)" "files left"
