# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases that go into a weaver.

# running_weaver NAME: makes one, and waits until it runs.
running_weaver()
{
	mkdir "$MNT/$1"
	wait_for 40 status_is "$1" running
	# kubesim says so a moment before one can go in
	[ "$TEST_CLUSTER" != sim ] || wait_for 10 "$MNT/$1/sh" -c true
}

# status_of COMMAND...: its exit status, for what may fail.
status_of()
{
	local status=0
	"$@" >"$W/out" 2>"$W/err" || status=$?
	echo "$status"
}

# in_weaver NAME PATTERN: the number of processes in it whose command line has PATTERN.
in_weaver()
{
	"$MNT/$1/sh" -c 'n=0
		for p in /proc/[0-9]*; do
			[ "${p#/proc/}" != $$ ] && tr "\0" " " 2>/dev/null <"$p/cmdline" |
				grep -q -- "$0" && n=$((n + 1))
		done
		echo $n' "$2"
}

# some_in_weaver and none_in_weaver NAME PATTERN, for wait_for.
some_in_weaver()
{
	[ "$(in_weaver "$1" "$2")" != 0 ]
}

none_in_weaver()
{
	[ "$(in_weaver "$1" "$2")" = 0 ]
}

# descriptors PID: how many a process has.
descriptors()
{
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# free_port: a TCP port that nobody has here; kubesim's pods have the network of the host.
free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# In a terminal of its own: t TMUX-COMMAND..., shows PATTERN (for wait_for; leaves the screen in
# ./pane), types KEY..., t_end. The next one must not meet the server of the last.
t()
{
	tmux -S "$W/tmux" -f /dev/null "$@"
}

t_end()
{
	local server
	server=$(t display-message -p '#{pid}')
	t kill-server
	wait_for 10 process_ended "$server"
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

# at_prompt, for wait_for: the last line is the shell's "prompt> ". With a prompt busybox asks the terminal where its
# cursor is; what is typed before tmux has answered goes ahead of the answer, and the answer into whatever runs then.
at_prompt()
{
	t capture-pane -p >pane
	[ "$(grep . pane | tail -n 1)" = 'prompt>' ]
}

# The same, and nothing else on the screen.
cleared()
{
	t capture-pane -p >pane
	[ "$(grep . pane)" = 'prompt>' ]
}

# clears: the screen, for what is shown next.
clears()
{
	types clear Enter
	wait_for 20 cleared
}

# shell_in_terminal NAME: an interactive shell of it, at its "prompt>"; then "ended with" its code.
# ./before and ./after are the terminal's settings around it.
shell_in_terminal()
{
	t new-session -d -x 90 -y 25 "stty -a >before; '$MNT/$1/sh'; echo ended with \$?; stty -a >after; exec cat"
	types 'PS1="pro""mpt> "; cd /tmp; test -t 0 && echo is"-"terminal' Enter
	wait_for 20 shows 'is-terminal'
	wait_for 20 at_prompt
}
