# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# One of each way into the weaver "a", caught in the middle by the loss of what is between. Sourced after case.sh and
# into.sh; files are in the case's directory.

# middle_begin N: sh, exec, attach, stdin, a download by ports and a terminal's shell, each under way; "sleep N" in
# those that run a command.
middle_begin()
{
	local n=$1 port
	port=$(free_port)
	"$MNT/a/sh" -c 'mkdir -p /tmp/www && cd /tmp/www && dd if=/dev/zero of=big bs=1048576 count=50 2>/dev/null
		exec busybox httpd -f -p "127.0.0.1:$0"' "$port" 2>server.err &
	middle_server=$!
	wait_for 30 middle_serves "$port"
	shell_in_terminal a
	types "sleep $n" Enter
	"$MNT/a/sh" -c "echo begun; exec sleep $n" >sh.out 2>sh.err &
	middle_sh=$!
	"$MNT/a/attach" </dev/null >attach.out 2>attach.err &
	middle_attach=$!
	curl -sS --limit-rate 1M --unix-socket "$MNT/a/ports/$port" http://w/big >download 2>curl.err &
	middle_curl=$!
	# What the main process prints before one has attached is not seen.
	bash -c 'exec >"$0/stdin" && while echo "echo attached-\"$1\""; do sleep 0.2; done' "$MNT/a" "$n" 2>stdin.err &
	middle_stdin=$!
	exec 3<>"$MNT/a/exec"
	echo "echo begun; exec sleep $n" >&3
	bash -c 'cat <&3' >exec.out 2>exec.err &
	middle_exec=$!
	wait_for 20 grep -q "attached-$n" attach.out
	wait_for 20 grep -q begun sh.out
	wait_for 20 grep -q begun exec.out
	wait_for 20 test -s download
	wait_for 20 middle_sleeps "$n"
}

middle_serves()
{
	curl -sS -o /dev/null --unix-socket "$MNT/a/ports/$1" http://w/big -r 0-0
}

middle_sleeps()
{
	[ "$(in_weaver a "^sleep $1")" = 3 ]
}

# middle_lost SENTENCE WHAT: each has ended and says so. SENTENCE is a regular expression.
middle_lost()
{
	local status=0 file
	wait "$middle_sh" || status=$?
	assert_eq 255 "$status" "sh, $2"
	assert_match "^weaver: $1" "$(cat sh.err)" "sh, $2"
	status=0
	wait "$middle_attach" || status=$?
	assert_eq 255 "$status" "attach, $2"
	assert_match "^weaver: $1" "$(cat attach.err)" "attach, $2"
	wait_for 20 shows 'ended with 255'
	assert_match "weaver: $1" "$(cat pane)" "a terminal, $2"
	wait_for 20 test -s after
	assert_eq "$(sed '/^speed/d' before)" "$(sed '/^speed/d' after)" "the terminal afterwards, $2"
	t_end
	rm before after
	status=0
	wait "$middle_exec" || status=$?
	assert_eq 1 "$status" "exec, $2"
	assert_match "Input/output error" "$(cat exec.err)" "exec, $2"
	exec 3>&-
	status=0
	wait "$middle_stdin" || status=$?
	assert_eq 1 "$status" "stdin, $2"
	assert_match "Input/output error" "$(cat stdin.err)" "stdin, $2"
	status=0
	wait "$middle_curl" || status=$?
	[ "$status" = 18 ] || [ "$status" = 56 ] || fail "curl of ports, $2: status $status"
	status=0
	wait "$middle_server" || status=$?
	assert_eq 255 "$status" "the server's sh, $2"
	for file in exec stdin; do
		grep -qE $'\trun\ta/'"$file"$'\tEIO\t'"$1" "$MNT/.weaverfs/errors" || fail "$file is not in errors, $2"
	done
}

# middle_over N: there is a connection again, and what was promised to end does not run on.
middle_over()
{
	wait_for 60 middle_back
	wait_for 60 none_in_weaver a "sleep $1"
	wait_for 60 none_in_weaver a 'httpd -f'
	echo "echo again-\"$1\"" >"$MNT/a/stdin"
	wait_for 30 grep -q "again-$1" "$MNT/a/logs"
	assert_eq running "$(cat "$MNT/a/status")" "what was attached to"
}

middle_back()
{
	[ "$("$MNT/a/sh" -c 'echo back')" = back ]
}
