#!/bin/bash
# A bad value fails the write(2) with EINVAL and a sentence, and changes nothing.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
D=$MNT/.drafts/a
mkdir "$D"
# refused FILE CONTENT [ERRNO]: as one write, without a newline where there is none
refused()
{
	local before
	before=$(cat "$D/$1")
	if printf '%s' "$2" | dd of="$D/$1" bs=64k iflag=fullblock 2>"$W/said"; then
		fail "$1 takes '$2'"
	fi
	grep -q "${3:-Invalid argument}" "$W/said" || fail "$1 '$2': $(cat "$W/said")"
	assert_eq "$before" "$(cat "$D/$1")" "$1 after '$2'"
}

printf 'A=1\n' >"$D/env"
printf 'S=1\n' >"$D/secrets"
printf 't=1\n' >"$D/tags"
printf 'echo\nx\n' >"$D/args"
for image in UPPER 'a b' a: a:b:c a//b /a a/ -a a@sha256:12 'a:.b' $'a\nb' "$(printf 'a%.0s' {1..300})"; do
	refused image "$image"
done
for image in alpine localhost:5000/x ghcr.io/your-org/weaver:latest a/b__c-d.e:V1 \
	"a@sha256:$(printf '0%.0s' {1..64})" '[::1]:5000/x:y'; do
	echo "$image" >"$D/image" || fail "image does not take '$image'"
	assert_eq "$image" "$(cat "$D/image")"
done
for quantity in 0 -1 lots 1Q 1k1 '1 2' 0m; do
	refused cpu "$quantity"
	refused memory "$quantity"
done
refused workdir tmp
for file in repo branch; do
	refused "$file" '--upload-pack=x'
	refused "$file" 'a b'
	refused "$file" $'a\x1bb'
done
for line in 1A=x =x A 'A B=x' LD_PRELOAD=/x LD_LIBRARY_PATH=/x LOOM_WEAVER_ID=x LOOM_REPO=x \
	LOOM_BRANCH=x LOOM_SERVER_URL=x LOOM_SECRETS_SERVER_URL=x LOOM_SECRETS_ALLOW_INSECURE=1; do
	refused env "$line"$'\n'
	refused secrets "$line"$'\n'
done
refused env $'A=1\nB=2\n3=x\n' # all or nothing
refused env $'S=2\n'           # in secrets already
refused secrets $'A=2\n'       # in env already
refused env $'A=\xff\n'
refused tags $'novalue\n'
refused tags $'=x\n'
refused args '["a", 1]'
refused args '["a"'
refused command '{"a": 1}'$'\x01'
for ttl in 0 -5h x 1h2 $'\n'; do
	refused ttl "$ttl"
done
refused ttl 49h 'Numerical result out of range'
refused ttl +45h 'Numerical result out of range'
for hold in 2 yes 01; do
	refused hold "$hold"
done
assert_match $'\twrite\t\\.drafts/a/hold\tEINVAL\thold: write 0 or 1' "$(tail -n 1 "$MNT/.weaverfs/errors")"

# An argument that holds a newline comes as JSON, and reads back as such.
printf '%s' '["sh", "-c", "a\nb"]' >"$D/command"
assert_eq '["sh","-c","a\nb"]' "$(cat "$D/command")"
printf 'a\n\nb\n' >"$D/args"
assert_eq '["a","","b"]' "$(cat "$D/args")"
: >"$D/args"
assert_eq "" "$(cat "$D/args")" "truncated"
assert_errno 'Operation not permitted' touch "$D/other"
assert_errno 'Operation not permitted' rm "$D/image"
assert_errno 'Operation not permitted' mkdir "$D/sub"
for name in A a_b -a; do
	assert_errno 'Invalid argument' mkdir "$MNT/.drafts/$name"
done
