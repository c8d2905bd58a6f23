#!/bin/bash
# On a terminal weaver new shows scheduling, pulling and starting with the time, ps and errors colours.
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
. "$LIB/case.sh"
. "$LIB/cli.sh"
at_end pane_end

missing=missing/image
[ "$TEST_CLUSTER" = sim ] || missing=localhost/missing:none
mount_weavers
pane_start "weaver new a -d; echo status \$?; weaver new b --image $missing; echo status \$?; weaver ps; exec sleep 1000"
wait_for 60 pane_shows '✓ a: running after'
assert_match 'a: running after [0-9.]+ s \(scheduling [0-9.]+, pulling [0-9.]+, starting [0-9.]+\)' "$(pane)"
wait_for 60 pane_shows 'b: it cannot start as it is'
wait_for 20 pane_shows 'status 1'
wait_for 20 pane_shows 'STATUS'
assert_match 'hint: check that the image exists' "$(pane)"
! pane | grep -q 'scheduling, ' || fail "a line of the progress is left: $(pane)"
pane_escapes | grep -q $'\e\[32mrunning' || fail "ps has no colour on a terminal"
pane_end

# While it takes its time, each phase is on the screen.
if [ "$TEST_CLUSTER" = sim ]; then
	pane_start "weaver new c -d --image slow/image; exec sleep 1000"
	wait_for 20 pane_shows 'c: starting, '
	wait_for 20 pane_shows ' 2.'
	pane_keys C-c
	wait_for 20 pane_ended
	test -d "$MNT/c" || fail "Ctrl-C has removed the weaver"
	pane_end
fi
pane_start "NO_COLOR=1 weaver ps; exec sleep 1000"
wait_for 20 pane_shows STATUS
! pane_escapes | grep -q $'\e\[3' || fail "NO_COLOR, and there are colours"
