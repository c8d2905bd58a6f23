# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases of `weaver`, after case.sh: it is in $PATH, with the mount of mount_weavers.

export WEAVER_MOUNT=$MNT PATH=$O:$PATH

# run COMMAND…: its exit status in $status, stdout in $out, stderr in $err.
run()
{
	status=0
	"$@" >"$W/run.out" 2>"$W/run.err" </dev/null || status=$?
	out=$(cat "$W/run.out")
	err=$(cat "$W/run.err")
}

# runs STATUS COMMAND…: run, and that must be its exit status.
runs()
{
	local expected=$1
	shift
	run "$@"
	[ "$status" = "$expected" ] || fail "$*: exit status $status, not $expected: $out $err"
}

# In a terminal of its own: pane_start COMMAND (a line of sh), pane (what it shows now), pane_shows
# TEXT (for wait_for), pane_keys KEY….
pane_n=0
pane_start()
{
	pane_n=$((pane_n + 1))
	tmux_socket=$W/tmux$pane_n
	tmux -S "$tmux_socket" -f /dev/null new-session -d -x 120 -y 30 \
		"export LC_ALL=C.UTF-8 WEAVER_MOUNT=$MNT PATH=$PATH; $1"
	tmux -S "$tmux_socket" set-option -g remain-on-exit on
}

# With the colours: pane_escapes.
pane_escapes()
{
	tmux -S "$tmux_socket" capture-pane -p -e
}

pane()
{
	tmux -S "$tmux_socket" capture-pane -p
}

pane_shows()
{
	pane | grep -qF -- "$1"
}

# Its command has ended. tmux 3.3's own "Pane is dead" does not always come.
pane_ended()
{
	[ "$(tmux -S "$tmux_socket" display-message -p '#{pane_dead}')" = 1 ]
}

pane_keys()
{
	tmux -S "$tmux_socket" send-keys "$@"
}

pane_end()
{
	[ $pane_n = 0 ] || tmux -S "$tmux_socket" kill-server 2>/dev/null || true
}
