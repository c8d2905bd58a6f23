#!/bin/bash
# htop and vim by WEAVER/sh in a terminal: they draw, obey keys, follow the window's size, and leave the terminal as it was.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"

# An image of this machine's bash, htop and vim with what they load, for a cluster whose images are real.
image_of_programs()
{
	local root=$W/root file
	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,workspace,lib/terminfo/t}
	chmod 1777 "$root/tmp" "$root/workspace"
	echo 'loom:x:1000:1000:loom:/workspace:/bin/bash' >"$root/etc/passwd"
	cp "$(type -P busybox)" "$root/bin/"
	for file in sh sleep stty test clear cat; do
		ln -s busybox "$root/bin/$file"
	done
	for file in bash htop vim.tiny; do
		cp -L "$(type -P "$file")" "$root/bin/"
		ldd "$root/bin/$file" | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$root${library%/*}"
			cp -L "$library" "$root$library"
		done
	done
	cp /lib/terminfo/t/tmux-256color "$root/lib/terminfo/t/"
	"$LIB/../cluster/image" --state "$CLUSTER_STATE" localhost/weaver-programs:1 "$root" '{
		"User": "1000:1000", "WorkingDir": "/workspace", "Cmd": ["/bin/sleep", "2147483647"],
		"Env": ["PATH=/bin", "HOME=/workspace", "USER=loom"]}'
}

[ "$TEST_CLUSTER" = sim ] || [ "$TEST_CLUSTER" = real ] || skip "no image of $TEST_CLUSTER is known to have htop"
[ "$TEST_CLUSTER" = sim ] || image_of_programs
mount_weavers image=localhost/weaver-programs:1
running_weaver a
shell_in_terminal a

clears
types htop Enter
wait_for 20 shows 'Load average'
wait_for 20 shows 'PID.*Command' # the head of its table, whatever columns there are
types F5
wait_for 20 shows 'F5List'
t resize-window -x 70 -y 20
at_the_bottom()
{
	t capture-pane -p >pane
	[ "$(wc -l <pane)" = 20 ] && tail -n 1 pane | grep -q '^F1Help.*F9Kill'
}
wait_for 20 at_the_bottom
cp pane "$W/pane.htop"
types q
wait_for 20 at_prompt

clears
types 'vim.tiny note' Enter
wait_for 20 shows '^~'
types i 'written in the weaver' Escape
wait_for 20 shows '^written in the weaver'
types yyp ':s/written/twice/' Enter
wait_for 20 shows '^twice in the weaver'
t resize-window -x 90 -y 25
wait_for 20 eval 't capture-pane -p >pane; [ "$(grep -c "^~" pane)" = 22 ]'
cp pane "$W/pane.vim"
types ':wq' Enter
wait_for 20 at_prompt
assert_eq $'written in the weaver\ntwice in the weaver' "$("$MNT/a/sh" -c 'cat /tmp/note')"

types 'exit 3' Enter
wait_for 20 shows 'ended with 3'
wait_for 20 test -s after
assert_eq "$(sed '/^speed/d' before)" "$(sed '/^speed/d' after)" "the terminal afterwards"
t_end
