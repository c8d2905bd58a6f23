#!/bin/bash
# A paste of 1 MB into an interactive shell by WEAVER/sh arrives whole, and so does the exit code after it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# tier: all
. "$LIB/case.sh"
. "$LIB/into.sh"

t()
{
	tmux -S "$W/tmux" -f /dev/null "$@"
}

shows()
{
	t capture-pane -p >pane
	grep -q -- "$1" pane
}

types()
{
	t send-keys "$@"
}

mount_weavers
running_weaver a
t new-session -d -x 90 -y 25 "stty -a >before; '$MNT/a/sh'; echo ended with \$?; stty -a >after; exec cat"
types 'PS1="pro""mpt> "; cd /tmp; test -t 0 && echo is"-"terminal' Enter
wait_for 20 shows 'is-terminal'
wait_for 20 shows 'prompt>'

awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%06d this is a line of the paste, all of it ok\n", i }' >paste
types clear Enter
types 'stty -echo; cat >pasted; stty echo' Enter
t load-buffer paste
t paste-buffer -r
t send-keys C-d
pasted()
{
	[ "$("$MNT/a/sh" -c 'sha256sum </tmp/pasted')" = "$(sha256sum <paste)" ]
}
wait_for 60 pasted
wait_for 20 shows 'prompt>$' # what is typed while stty changes the terminal is nobody's promise

types 'exit 3' Enter
wait_for 20 shows 'ended with 3'
wait_for 20 test -s after
assert_eq "$(sed '/^speed/d' before)" "$(sed '/^speed/d' after)" "the terminal afterwards"
t kill-server
