#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A weaver's first process: clones LOOM_REPO (its LOOM_BRANCH) into /workspace, then becomes the
# command that was given, else the Loom CLI, else a shell. Exit status 65: the clone failed, which
# weaverfs explains in the file "reason".
set -eu

workspace=/workspace

# The last words of git in one line, without what a URL may carry before its "@".
clone_failed()
{
	said=$(printf '%s\n' "$1" | grep -E '^(fatal|error):' | tail -n 1)
	[ -n "$said" ] || said=$(printf '%s\n' "$1" | tail -n 1)
	printf 'weaver: cannot clone %s%s: %s\n' "$LOOM_REPO" "${LOOM_BRANCH:+, branch $LOOM_BRANCH}" "$said" |
		sed 's,://[^/@ ]*@,://***@,g' >&2
	exit 65
}

if [ -n "${LOOM_REPO:-}" ]; then
	# Nobody is there to answer a question for a password or a host key.
	said=$(GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}" git clone --quiet \
		${LOOM_BRANCH:+"--branch=$LOOM_BRANCH" --single-branch} -- "$LOOM_REPO" "$workspace" 2>&1) ||
		clone_failed "$said"
else
	mkdir -p "$workspace"
fi
cd "$workspace"

[ $# -eq 0 ] || exec "$@"
! command -v loom >/dev/null || exec loom
exec bash -l
