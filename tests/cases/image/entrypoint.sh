#!/bin/bash
# The entrypoint of the weaver's image: clones, or says in one line why not and exits 65; then the command, loom, or a shell.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

script=$(realpath "$LIB/../../docker/weaver-entrypoint.sh")

# In a root of its own, with a new /workspace that stays behind as $W/workspace.
entrypoint()
{
	rm -rf "$W/workspace"
	mkdir "$W/workspace"
	bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
		--ro-bind /etc /etc --dev /dev --proc /proc --tmpfs /tmp --bind "$W/workspace" /workspace \
		--ro-bind "$W/repos" /repos --ro-bind "$script" /entrypoint.sh --ro-bind "$W/cli" /cli \
		--clearenv --setenv HOME /tmp --setenv PATH "/usr/bin${CLI:+:/cli}" ${LOOM_REPO+--setenv LOOM_REPO "$LOOM_REPO"} \
		${LOOM_BRANCH+--setenv LOOM_BRANCH "$LOOM_BRANCH"} --unshare-all -- /entrypoint.sh "$@"
}

mkdir cli repos
git init -q -b main work
git -C work -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m first
git -C work checkout -q -b second
echo two >work/file
git -C work add file
git -C work -c user.name=a -c user.email=a@example.com commit -q -m second
git -C work checkout -q main
git clone -q --bare work repos/r.git

# No repository: the command in an empty /workspace, its arguments intact, its exit code passed on.
assert_eq $'/workspace\na  b' "$(entrypoint sh -c 'pwd; echo "$1"' - 'a  b')"
status=0
entrypoint sh -c 'exit 7' || status=$?
assert_eq 7 "$status"
# A clone, and of one branch alone.
assert_eq 'main first' "$(LOOM_REPO=/repos/r.git entrypoint sh -c 'echo $(git branch --show-current) $(git log -1 --format=%s)')"
assert_eq 'second two' "$(LOOM_REPO=file:///repos/r.git LOOM_BRANCH=second entrypoint sh -c 'echo $(git branch --show-current) $(cat file)')"
assert_eq 'origin/second' "$(git -c safe.directory="*" -C workspace branch -r --format='%(refname:short)')"

# fails REPO BRANCH MESSAGE-REGEX
fails()
{
	local said status=0
	said=$(LOOM_REPO=$1 LOOM_BRANCH=$2 entrypoint echo ran 2>&1) || status=$?
	assert_eq 65 "$status" "$said"
	assert_match "^weaver: cannot clone $3\$" "$said"
}
fails /repos/r.git none '/repos/r.git, branch none: fatal: Remote branch none not found in upstream origin'
fails /repos/no.git '' "/repos/no.git: fatal: repository '/repos/no.git' does not exist"
fails 'https://user:token@127.0.0.1:1/x' '' \
	"https://\*\*\*@127.0.0.1:1/x: fatal: unable to access 'https://127.0.0.1:1/x/': Failed to connect .*"
fails --upload-pack=/cli/evil '' \
	"--upload-pack=/cli/evil: fatal: repository '--upload-pack=/cli/evil' does not exist"

# Nothing given: the CLI where there is one, else a shell that reads its profile.
printf '#!/bin/sh\necho "cli $#"\n' >cli/loom
chmod +x cli/loom
assert_eq 'cli 0' "$(CLI=1 entrypoint)"
assert_eq 'login shell' "$(entrypoint <<<'shopt -q login_shell && echo login shell')"
