# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases about the watch, sourced after case.sh: pods that only lie there, what the tree must be
# equal to, and watches of kubesim that go wrong.

# pod NAME...: ones that no node takes, weaver-NAME-id by their own names.
pod()
{
	local name
	for name; do
		make_pod_json "$name" "$name-id" true '{"nodeSelector": {"none": "x"}}'
	done | k create -f - >/dev/null
}

# pod_delete NAME: at once.
pod_delete()
{
	k delete pod "weaver-$1-id" --force --grace-period=0 >/dev/null 2>&1
}

# same: the tree is kubectl's list.
same()
{
	[ "$(pods)" = "$(ls "$MNT" | sort)" ]
}

healthy()
{
	[ "$(head -n 1 "$MNT/.weaverfs/health")" = ok ]
}

degraded()
{
	! healthy
}

# Every watch of pods ends after one change, so that a change makes the next one meet new rules.
watch_ends='"verb":"watch","path":"*/pods*","end_after_events":1'
changes=0

# watches_misbehave RULE-MEMBERS: the next watches of pods, by "count"; then they are good again.
watches_misbehave()
{
	kubesim_faults "{\"rules\":[{$1,$watch_ends},{$watch_ends}]}"
	k label pod -l loom.dev/name=a n=$((++changes)) --overwrite >/dev/null
}

# met N: the first rule has met so many requests.
met()
{
	[ "$(k get --raw /_kubesim/faults | jq '.rules[0].hits // 0')" -ge "$1" ]
}

# tree_follows SECONDS: a pod more, another one, and one less are seen in that time.
tree_follows()
{
	changes=$((changes + 1))
	pod "x$changes" "y$changes"
	pod_delete "y$changes"
	wait_for "$1" same
	test -d "$MNT/x$changes" || fail "x$changes is not there"
}
