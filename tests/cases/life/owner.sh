#!/bin/bash
# Who made a weaver owns it: others are kept out, only the owner and root remove it, chmod is kept.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
assert_eq "1777 0:0" "$(stat -c '%a %u:%g' "$MNT")"
(umask 022 && as 2001:2002 mkdir "$MNT/mine")
assert_eq "750 2001:2002" "$(stat -c '%a %u:%g' "$MNT/mine")" "mode 0777 less the umask, others never"
assert_eq 2001:2002 "$(cat "$MNT/mine/owner")"
assert_eq "640 2001:2002" "$(stat -c '%a %u:%g' "$MNT/mine/ttl")"
assert_eq "440 2001:2002" "$(stat -c '%a %u:%g' "$MNT/mine/status")"
as 2001:2002 cat "$MNT/mine/status" >/dev/null
as 2003:2002 cat "$MNT/mine/status" >/dev/null
assert_errno 'Permission denied' as 2003:2003 cat "$MNT/mine/status"
assert_errno 'Permission denied' as 2003:2002 tee "$MNT/mine/ttl" <<<2h
assert_errno 'Operation not permitted' as 2003:2003 rmdir "$MNT/mine"
assert_errno 'Permission denied' as 2003:2002 cat "$MNT/mine/env"

as 2001:2002 chmod 700 "$MNT/mine"
assert_errno 'Permission denied' as 2003:2002 cat "$MNT/mine/status"
assert_errno 'Operation not permitted' as 2003:2003 chmod 777 "$MNT/mine"
assert_errno 'Operation not permitted' chmod 600 "$MNT/mine/status"
chmod 440 "$MNT/mine/status"
touch "$MNT/mine/status"
chown 2004:2005 "$MNT/mine"
assert_eq "700 2004:2005" "$(stat -c '%a %u:%g' "$MNT/mine")"
as 2001:2001 mkdir -m 711 "$MNT/other"
assert_eq "711 2001:2001" "$(stat -c '%a %u:%g' "$MNT/other")"

remount
assert_eq "700 2004:2005" "$(stat -c '%a %u:%g' "$MNT/mine")" "after a remount"
assert_eq "711 2001:2001" "$(stat -c '%a %u:%g' "$MNT/other")" "after a remount"
as 2004:2005 rmdir "$MNT/mine"
rmdir "$MNT/other"
