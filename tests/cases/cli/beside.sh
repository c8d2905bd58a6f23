#!/bin/bash
# weaver starts the programs that are beside it, wherever it is and whatever $PATH has; else those of $PATH.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/cli.sh"

mkdir "$W/ours" "$W/theirs" "$W/at"
cp "$O/weaver" "$O/weaver-cluster" "$W/ours"
PATH=$(tr : '\n' <<<"$W/theirs:$PATH" | grep -vxF "$O" | paste -sd :)
! command -v weaverfs || skip "a weaverfs is installed here"

# is_at DIRECTORY: a weaverfs that says where it is from.
is_at()
{
	printf '#!/bin/sh\necho "%s says $*"\nexit 1\n' "$1" >"$1/weaverfs"
	chmod 755 "$1/weaverfs"
}

# starts DIRECTORY: `mount` becomes that weaverfs, `doctor` and `setup` ask it for the settings.
starts()
{
	runs 1 "$W/ours/weaver" mount "$W/at"
	assert_eq "$1 says $W/at" "$out"
	run "$W/ours/weaver" doctor -o image=x
	assert_match "✗ settings +$1 says --settings -o image=x" "$out"
	runs 1 "$W/ours/weaver" setup -o image=x
	assert_match "$1 says --settings -o image=x" "$err"
}

runs 1 "$W/ours/weaver" mount "$W/at"
assert_eq 'weaver: weaverfs cannot be started: No such file or directory' "$err"
run "$W/ours/weaver" doctor -o image=x
assert_match '✗ weaverfs +weaverfs cannot be started: No such file' "$out"
is_at "$W/theirs"
starts "$W/theirs"
is_at "$W/ours"
starts "$W/ours"
# what is there and is no program is not it
chmod 644 "$W/ours/weaverfs"
starts "$W/theirs"

# weaver-cluster likewise, through a link, too
ln -s "$W/ours/weaver" "$W/theirs/weaver"
is_at "$W/ours"
run "$W/theirs/weaver" doctor -o image=x
assert_match "✗ settings +$W/ours says" "$out"
rm "$W/ours/weaver-cluster"
runs 1 "$W/ours/weaver" doctor
assert_eq 'weaver: weaver-cluster cannot be started: No such file or directory; it belongs beside weaver' "$err"
