#!/bin/bash
# weaver rm ends what it is told to and says what; hold, --force, --all, .archive and mistakes.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/cli.sh"
at_end pane_end

mount_weavers
mkdir "$MNT/a" "$MNT/b" "$MNT/c" "$MNT/held"
echo 1 >"$MNT/held/hold"
runs 0 weaver rm a b
assert_eq $'a\nb' "$out"
assert_eq $'c\nheld' "$(ls "$MNT")"
runs 1 weaver rm nothing c held
assert_eq c "$out"
assert_match 'nothing: no such weaver' "$err"
assert_match 'held: it is held: weaver rm --force' "$err"
assert_eq held "$(ls "$MNT")"
wait_for 60 status_is held running
runs 0 weaver delete --force held
assert_eq '' "$(ls "$MNT")"
assert_eq '' "$(find "$MNT/.archive" -name 'held~*')" "an archive of what was forced"

entry=$(basename "$MNT"/.archive/a~*)
wait_for 30 sh -c "[ \"\$(cat '$MNT/.archive/$entry/status')\" != terminating ]"
runs 0 weaver rm "$entry"
expect_fail test -e "$MNT/.archive/$entry"

mkdir "$MNT/d" "$MNT/e"
runs 2 weaver rm
runs 2 weaver rm --all d
runs 0 weaver rm --all
assert_eq $'d\ne' "$out"
assert_eq '' "$(ls "$MNT")"
runs 0 weaver rm --all
assert_eq '' "$out"

# On a terminal it asks.
mkdir "$MNT/f"
pane_start 'weaver rm --all; echo status $?; weaver rm --all; echo status $?; exec sleep 1000'
wait_for 20 pane_shows 'Remove 1 weavers? [y/N]'
pane_keys n Enter
wait_for 20 pane_shows 'status 1'
assert_eq f "$(ls "$MNT")"
pane_keys y Enter
wait_for 20 pane_shows 'status 0'
assert_eq '' "$(ls "$MNT")"
