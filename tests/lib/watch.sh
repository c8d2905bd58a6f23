# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases that watch the mount: what inotifywait sees, and pods that change only when told to.

watchers=()

# watch FILE PATH...: what happens there goes to FILE, a line "EVENTS PATH" each, while the case runs.
watch()
{
	local file=$1
	shift
	inotifywait -m -e create,delete,modify,move,attrib --format '%e %w%f' -o "$file" "$@" \
		2>"$file.err" &
	watchers+=("$!")
	wait_for 10 grep -q '^Watches established' "$file.err"
}

# same_events EXPECTED FILE: FILE becomes what EXPECTED is, line by line.
same_events()
{
	local deadline=$((SECONDS + 20))
	until cmp -s "$1" "$2"; do
		[ "$SECONDS" -lt "$deadline" ] || fail "other events: $(diff "$1" "$2")"
		sleep 0.05
	done
}

watch_end()
{
	kill "${watchers[@]}" 2>/dev/null || true
	wait "${watchers[@]}" 2>/dev/null || true
	watchers=()
}

# pending_pod NAME: JSON of a weaver that is not scheduled, so that nobody else changes it.
pending_pod()
{
	make_pod_json "$1" "$(cat /proc/sys/kernel/random/uuid)" true \
		'{"schedulingGates": [{"name": "example.org/test"}]}'
}

# pod_of NAME: the pod's name.
pod_of()
{
	k get pods -l "loom.dev/name=$1" -o jsonpath='{.items[0].metadata.name}'
}

# helpers PID: the pids of the helpers that raise events for the weaverfs with that pid.
helpers()
{
	pgrep -P "$1" -f -- '--poke .* events$' || true
}

# missed: how many events weaverfs could not raise.
missed()
{
	sed -n 's/^weaverfs_events_missed_total //p' "$MNT/.weaverfs/metrics"
}
