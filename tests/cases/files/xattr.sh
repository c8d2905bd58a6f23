#!/bin/bash
# Extended attributes are not supported, and say so without asking the daemon each time: ls -l is quick.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
for call in 'getxattr(f, "user.x")' 'listxattr(f)' 'setxattr(f, "user.x", b"1")' 'removexattr(f, "user.x")'; do
	for file in "$MNT/a" "$MNT/a/status"; do
		assert_errno 'not supported' python3 -c "import os; f = '$file'; os.$call"
	done
done

requests()
{
	grep -o '^weaverfs_operations_total .*' "$MNT/.weaverfs/metrics" | cut -d ' ' -f 2
}

before=$(requests)
python3 - "$MNT/a" <<'END'
import os, sys
for _ in range(1000):
    try:
        os.getxattr(sys.argv[1], "system.posix_acl_access")
    except OSError:
        pass
END
asked=$(($(requests) - before))
[ "$asked" -lt 100 ] || fail "1000 times getxattr were $asked requests"
