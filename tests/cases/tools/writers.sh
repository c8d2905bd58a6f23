#!/bin/bash
# Programs that write a value: shells, tee, dd, truncate, touch, vim, python; and sed -i, which cannot.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# about HOURS: what is left now.
about()
{
	local left
	left=$(cat "$MNT/a/ttl")
	[ "$left" -le $(($1 * 3600)) ] && [ "$left" -gt $(($1 * 3600 - 60)) ] || fail "$2: $left s left, expected about $1 h"
}

mount_weavers
mkdir "$MNT/a"
ttl=$MNT/a/ttl
echo 2h >"$ttl"
about 2 'echo >'
echo +1h >>"$ttl"
about 3 'echo >>'
tee "$ttl" <<<5h >/dev/null
about 5 tee
printf 6h | dd of="$ttl" status=none
about 6 dd
printf 7h >"$ttl"
about 7 'printf without a newline'
python3 -c 'import sys; open(sys.argv[1], "w").write("8h\n")' "$ttl"
about 8 python
python3 -c 'import os, sys; fd = os.open(sys.argv[1], os.O_WRONLY); os.write(fd, b"9h"); os.close(fd)' "$ttl"
about 9 'os.write'
vim.tiny -u NONE -es -c '%d' -c 'normal i10h' -c ':wq' "$ttl" </dev/null >/dev/null 2>&1 || true
about 10 'vim :wq'
before=$(cat "$MNT/a/expires")
truncate -s 0 "$ttl"
touch "$ttl"
: >"$ttl"
assert_eq "$before" "$(cat "$MNT/a/expires")" "truncate, touch and an empty redirection change nothing"
expect_fail sed -i 's/.*/1h/' "$ttl"
expect_fail install -m 644 "$W/kubeconfig" "$MNT/a/file"
assert_eq "$before" "$(cat "$MNT/a/expires")" "sed -i changes nothing"
