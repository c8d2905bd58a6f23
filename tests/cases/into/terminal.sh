#!/bin/bash
# An interactive shell by WEAVER/sh in a terminal: vi, less, Ctrl-C, Ctrl-Z and fg, the window's size, the
# exit code, and the terminal afterwards.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
shell_in_terminal a

# the size, at the start and after a resize
types 'stty size' Enter
wait_for 20 shows '25 90'
wait_for 20 at_prompt
t resize-window -x 70 -y 20
resized()
{
	types 'stty size' Enter
	shows '20 70'
}
wait_for 20 resized

# Ctrl-C ends the command and not the shell; Ctrl-Z stops it, fg goes on with it
clears
types 'sleep 1000' Enter
wait_for 20 some_in_weaver a '^sleep 1000'
types C-c
types 'echo code-$?' Enter
wait_for 20 shows 'code-130'
wait_for 20 at_prompt
types 'sleep 1000' Enter
wait_for 20 some_in_weaver a '^sleep 1000'
types C-z
wait_for 20 shows 'Stopped'
wait_for 20 at_prompt
interrupted() # the shell says what it goes on with before it does
{
	types C-c
	at_prompt
}
clears
types fg Enter
wait_for 20 shows '^sleep 1000'
wait_for 20 interrupted
wait_for 20 none_in_weaver a '^sleep 1000'

# vi draws its screen, and what is typed into it is in the file
clears
types 'vi note' Enter
wait_for 20 shows '^~'
types 'i' 'written in the weaver' Escape
wait_for 20 shows '^written in the weaver'
cp pane "$W/pane.vi"
types ':wq' Enter
wait_for 20 at_prompt
assert_eq "written in the weaver" "$("$MNT/a/sh" -c 'cat /tmp/note')"

# less
clears
types 'seq 1 500 | less' Enter
wait_for 20 shows '^15$'
at_the_end() # on a busy node less has not always listened when the key came
{
	types G
	shows '^500$'
}
wait_for 20 at_the_end
types q
wait_for 20 at_prompt

types 'exit 3' Enter
wait_for 20 shows 'ended with 3'
wait_for 20 test -s after
assert_eq "$(sed '/^speed/d' before)" "$(sed '/^speed/d' after)" "the terminal afterwards"
t_end
