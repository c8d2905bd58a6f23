#!/bin/bash
# A paste of 1 MB into an interactive shell by WEAVER/sh arrives whole, and so does the exit code after it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
shell_in_terminal a

awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%06d this is a line of the paste, all of it ok\n", i }' >paste
types 'stty -echo; cat >pasted; stty echo' Enter
wait_for 20 some_in_weaver a '^cat'
t load-buffer paste
t paste-buffer -r
t send-keys C-d
pasted()
{
	[ "$("$MNT/a/sh" -c 'sha256sum </tmp/pasted')" = "$(sha256sum <paste)" ]
}
wait_for 60 pasted
wait_for 20 at_prompt # what is typed while stty changes the terminal is nobody's promise

types 'exit 3' Enter
wait_for 20 shows 'ended with 3'
wait_for 20 test -s after
assert_eq "$(sed '/^speed/d' before)" "$(sed '/^speed/d' after)" "the terminal afterwards"
t_end
