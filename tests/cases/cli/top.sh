#!/bin/bash
# weaver top shows what is there as it changes, obeys keys, follows the size, restores the terminal, and is cheap.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/cli.sh"
at_end pane_end

not_shown()
{
	! pane_shows "$1"
}

# row_is NAME REGEX: its line on the screen.
row_is()
{
	pane | grep -E "^$1 +$2"
}

chosen_is()
{
	pane_escapes | grep -qE $'\e\\[(0;)?7m(.*m)?'"$1 "
}

mount_weavers
mkdir "$MNT/alpha" "$MNT/beta"
wait_for 60 status_is alpha running
runs 0 weaver top
assert_match $'\nalpha +running +(3h59m|4h0m)' "$out"
runs 0 weaver top --once
runs 2 weaver top alpha

pane_start 'stty -g >before; weaver top; echo status $?; stty -g | cmp - before && echo same; exec sleep 1000'
wait_for 20 row_is alpha 'running +(3h59m|4h0m)'
wait_for 20 pane_shows "$MNT: 2 weavers, 2 running"
wait_for 20 pane_shows 'q quit'
# others' changes, without a key
mkdir "$MNT/gamma"
wait_for 5 row_is gamma 'running'
rmdir "$MNT/gamma"
wait_for 10 not_shown gamma # 5 s of grace
echo 1h >"$MNT/beta/ttl"
wait_for 30 row_is beta 'running +59m'

# keys
wait_for 5 chosen_is alpha
pane_keys j
wait_for 5 chosen_is beta
pane_keys Up
wait_for 5 chosen_is alpha
first_row()
{
	pane | sed -n 3p | grep -q "^$1 "
}
pane_keys r
wait_for 5 first_row beta
pane_keys r t
wait_for 5 first_row beta
pane_keys n
wait_for 5 first_row alpha
pane_keys / b e Enter
wait_for 5 not_shown alpha
wait_for 5 pane_shows 'only *be*'
pane_keys / Escape
wait_for 5 row_is alpha running
# what was above the top of a small screen is there again when it grows
tmux -S "$tmux_socket" resize-window -x 120 -y 4
pane_keys G
wait_for 5 not_shown alpha
wait_for 5 row_is beta running
tmux -S "$tmux_socket" resize-window -x 120 -y 30
wait_for 5 row_is alpha running
pane_keys g x
wait_for 5 pane_shows 'remove alpha? y or n'
pane_keys n
wait_for 5 pane_shows 'q quit'
test -d "$MNT/alpha"
pane_keys x y
wait_for 10 not_shown alpha
expect_fail test -e "$MNT/alpha"
# a pager, and back
pane_keys g i
wait_for 10 pane_shows 'created'
pane_keys q
wait_for 10 row_is beta running

# the size
tmux -S "$tmux_socket" resize-window -x 60 -y 10
wait_for 5 pane_shows 'q quit'
assert_eq 10 "$(pane | wc -l)"
wait_for 5 sh -c "[ \$(tmux -S '$tmux_socket' capture-pane -p | sed -n 10p | grep -c 'q quit') = 1 ]"

# it costs next to nothing: no calls, and few ticks of the processor in 5 s
top=$(pgrep -x weaver -P "$(tmux -S "$tmux_socket" display -p '#{pane_pid}')")
calls()
{
	sed -n 's/^weaverfs_api_calls_total //p' "$MNT/.weaverfs/metrics"
}
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$top/stat"
}
sleep 2
unmeasured()
{
	grep -c ENODATA "$MNT/.weaverfs/errors"
}
before=$(calls) used=$(ticks) errors=$(unmeasured)
sleep 5
[ $(($(calls) - before)) -le 3 ] || fail "$(($(calls) - before)) calls in 5 s"
[ $(($(ticks) - used)) -le 10 ] || fail "$(($(ticks) - used)) ticks in 5 s"
[ "$(unmeasured)" = "$errors" ] || fail "the errors fill up: $(cat "$MNT/.weaverfs/errors")"

# the end of the daemon, and of itself
kill_weavers
wait_for 30 pane_shows 'not connected'
umount -l "$MNT"
remount
wait_for 40 row_is beta running
pane_keys q
wait_for 10 pane_shows 'status 0'
wait_for 10 pane_shows same
not_shown 'q quit' || fail "the screen was not restored: $(pane)"
pane_end

# a signal restores the terminal, too
pane_start 'stty -g >before; sh -c "weaver top; stty -g | cmp - before && echo same"; exec sleep 1000'
wait_for 20 row_is beta running
shell=$(pgrep -P "$(tmux -S "$tmux_socket" display -p '#{pane_pid}')" -x sh)
kill -TERM "$(pgrep -P "$shell" -x weaver)"
wait_for 10 pane_shows same
