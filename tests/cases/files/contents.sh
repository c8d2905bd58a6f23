#!/bin/bash
# Every file of a weaver: its content beside what kubectl says, its size, its one newline.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
wait_for 30 status_is a running
cd "$MNT/a"
assert_eq "args attach audit branch command cpu created env events exec exit_code expires hold id image ip logs memory metrics node owner pod pod.json ports reason repo sh status stdin tags ttl usage workdir" \
	"$(LC_ALL=C ls | xargs)"
pod()
{
	k get pod "$(cat pod)" -o "jsonpath={$1}"
}
assert_eq running "$(cat status)"
assert_eq "" "$(cat reason)" reason
assert_eq "" "$(cat exit_code)"
assert_eq "$(pod .metadata.creationTimestamp)" "$(cat created)"
assert_eq "$(pod .metadata.annotations.loom\\.dev/expires-at)" "$(cat expires)"
assert_eq "$TEST_IMAGE" "$(cat image)"
assert_eq "$(pod .status.podIP)" "$(cat ip)"
assert_eq "$(pod .spec.nodeName)" "$(cat node)"
assert_eq "$(pod .metadata.name)" "$(cat pod)"
assert_eq "weaver-$(cat id)" "$(cat pod)"
assert_eq 0:0 "$(cat owner)"
assert_eq 0 "$(cat hold)"
assert_eq "" "$(cat command args workdir repo branch tags)"
limit=$(pod '.spec.containers[0].resources.limits.memory')
assert_eq "$limit" "$(cat memory)"
assert_eq "$(pod '.spec.containers[0].resources.limits.cpu')" "$(cat cpu)"
assert_eq "$(pod .metadata.uid)" "$(jq -r .metadata.uid pod.json)"
assert_match $'\tStarted\t' "$(cat events)"
for f in status ttl expires created image cpu memory hold id pod node ip owner; do
	[ -z "$(tail -c 1 "$f")" ] || fail "$f does not end in a newline"
	assert_eq 1 "$(wc -l <"$f")" "lines of $f"
	[ "$f" = ttl ] || assert_eq "$(stat -c %s "$f")" "$(wc -c <"$f")" "size of $f"
done
assert_eq 0 "$(stat -c %s reason)"
[ -s status ] || fail "test -s says that status is empty"
read -r word <status
assert_eq running "$word" "bash read"
assert_eq 2 "$(dd if=status bs=3 skip=1 count=1 2>/dev/null | wc -c | xargs expr 5 - )" "dd in the middle"
cd "$W"
