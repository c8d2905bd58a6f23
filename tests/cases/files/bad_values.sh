#!/bin/bash
# Every file that can be written refuses bad values with its errno and a line in errors; nothing changes.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a" "$MNT/.drafts/a"
echo old=1 >"$MNT/a/tags"
printf 'A=1\n' >"$MNT/.drafts/a/env"
printf 'S=1\n' >"$MNT/.drafts/a/secrets"

EINVAL='Invalid argument' ERANGE='Numerical result out of range' EFBIG='File too large'
long=$(printf 'a%.0s' {1..5000})
yesterday=$(date -u -d -1day +%Y-%m-%dT%H:%M:%SZ)
later=$(date -u -d +60day +%Y-%m-%dT%H:%M:%SZ)

# What each refuses: "FILE ERRNO VALUE", the value as printf '%b' makes it. One that begins with
# "live" is a weaver's, else it is a draft's or the default's.
values()
{
	local f
	cat <<-END
		live/ttl EINVAL 0
		live/ttl EINVAL -5h
		live/ttl EINVAL soon
		live/ttl EINVAL 1h2
		live/ttl EINVAL -9999999h
		live/ttl ERANGE 99999999999999999999h
		live/ttl EINVAL \\n
		live/ttl EINVAL 1h\\n2h
		live/ttl EINVAL 1\\x00
		live/ttl EINVAL +
		live/ttl ERANGE 49h
		live/ttl ERANGE +45h
		live/ttl EFBIG $long
		live/expires EINVAL tomorrow
		live/expires EINVAL 2026-02-30T00:00:00Z
		live/expires EINVAL $yesterday
		live/expires EINVAL \\n
		live/expires ERANGE $later
		live/expires EFBIG $long
		live/tags EINVAL novalue\\n
		live/tags EINVAL =x\\n
		live/tags EINVAL a=1\\nb\\n
		live/tags EINVAL a=\\xff\\n
		live/hold EINVAL 2
		live/hold EINVAL yes
		live/hold EINVAL 01
		live/hold EINVAL \\n
		live/hold EFBIG $long
		draft/ttl EINVAL 0
		draft/ttl EINVAL x
		draft/ttl ERANGE 49h
		draft/hold EINVAL 2
		draft/image EINVAL UPPER
		draft/image EINVAL a\\x20b
		draft/image EINVAL \\n
		draft/image EFBIG $long
		draft/command EINVAL {\\x01
		draft/command EINVAL ["a"
		draft/command EINVAL [1]
		draft/args EINVAL ["a",{}]
		draft/args EINVAL \\xff\\n
		draft/workdir EINVAL relative
		draft/workdir EINVAL /a\\x1bb
		draft/repo EINVAL --upload-pack=x
		draft/repo EINVAL a\\x20b
		draft/branch EINVAL -b
		draft/branch EINVAL a\\x1b
		draft/cpu EINVAL 0
		draft/cpu EINVAL -1
		draft/cpu EINVAL lots
		draft/cpu EINVAL 1e99
		draft/memory EINVAL 0
		draft/memory EINVAL 1Q
		draft/memory EINVAL 1.5.2
		draft/env EINVAL 1A=x\\n
		draft/env EINVAL novalue\\n
		draft/env EINVAL LD_PRELOAD=/x\\n
		draft/env EINVAL LOOM_WEAVER_ID=x\\n
		draft/env EINVAL A=\\xff\\n
		draft/secrets EINVAL =x\\n
		draft/secrets EINVAL A=2\\n
		draft/tags EINVAL =x\\n
		draft/tags EINVAL novalue\\n
	END
}

# The files that --help calls writable: one that this table forgets fails the case.
writable()
{
	awk -v head="$1" -v scope="$2" '/^[^ ]/ { on = index($0, head) == 1 } on && $2 == "rw" { print scope "/" $1 }' \
		"$MNT/.weaverfs/help" | grep -vx live/exec # what a line means there, its shell says
}
{
	writable "In a weaver's directory" live
	writable 'In .drafts' draft
} | sort >"$W/files"
values | cut -d ' ' -f 1 | sort -u >"$W/tried"
assert_eq "$(cat "$W/files")" "$(cat "$W/tried")" "writable files, and those of this case"

version()
{
	k get pod "$(cat "$MNT/a/pod")" -o 'jsonpath={.metadata.resourceVersion} {.metadata.annotations} {.metadata.labels}'
}

# content FILE: of ttl what does not run.
content()
{
	case $1 in
	*a/ttl) [ "$1" = "$MNT/.drafts/a/ttl" ] && cat "$1" || cat "$MNT/a/expires" ;;
	*) cat "$1" ;;
	esac
}

# refuses PATH ERRNO: $value, as one write. A list's line without an end is checked at close.
refuses()
{
	local path=$1 before lines
	before=$(content "$MNT/$path")
	lines=$(wc -l <"$MNT/.weaverfs/errors")
	if printf '%b' "$value" | dd of="$MNT/$path" bs=64k iflag=fullblock conv=notrunc 2>"$W/said"; then
		fail "$path takes '${value:0:40}'"
	fi
	grep -q "${!2}" "$W/said" || fail "$path '${value:0:40}': $(cat "$W/said")"
	assert_eq "$before" "$(content "$MNT/$path")" "$path after '$value'"
	assert_eq $((lines + 1)) "$(wc -l <"$MNT/.weaverfs/errors")" "errors after $path '${value:0:40}'"
	assert_match "^[0-9TZ:-]+"$'\t0\t(write|close)\t'"${path//./\\.}"$'\t'"$2"$'\t.{8,}' "$(tail -n 1 "$MNT/.weaverfs/errors")"
}

wait_for 30 status_is a running
before=$(version)
while read -r file errno value <&3; do
	case $file in
	live/*) refuses "a/${file#*/}" "$errno" ;;
	draft/*)
		refuses ".drafts/a/${file#*/}" "$errno"
		[ "$value" = 'A=2\n' ] || refuses ".weaverfs/defaults/${file#*/}" "$errno"
		;;
	esac
done 3< <(values)
assert_eq "$before" "$(version)" "the pod"

# Some bytes into the file is no value either.
for file in a/ttl a/hold .drafts/a/cpu; do
	assert_errno 'Invalid argument' dd if=/dev/zero of="$MNT/$file" bs=1 seek=1 count=1 conv=notrunc
done
assert_eq "$before" "$(version)" "the pod"
