#!/bin/bash
# Python, Go, make and entr read, wait and watch through plain files.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/go.sh"

mount_weavers
mkdir "$MNT/a"
cat >"$W/Makefile" <<END
built: started
	echo built >built
started:
	cat $MNT/a/wait/running
END
(cd "$W" && make -s built) >"$W/made"
assert_eq running "$(cat "$W/made")" "make with wait/running as a recipe"

python3 - "$MNT/a" <<'END'
import asyncio, os, select, sys
weaver = sys.argv[1]
assert open(weaver + "/status").read() == "running\n"
with open(weaver + "/status") as f:
    assert f.readline() == "running\n" and f.readline() == "" and f.seek(0) == 0 and f.read() == "running\n"
fd = os.open(weaver + "/follow/status", os.O_RDONLY | os.O_NONBLOCK)
ready, _, _ = select.select([fd], [], [], 5)
assert ready and os.read(fd, 100) == b"running\n"
try:
    os.read(fd, 100)
    raise SystemExit("a read of nothing did not fail")
except BlockingIOError:
    pass
assert not select.select([fd], [], [], 0.2)[0]

async def main():
    loop, got = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, got.set)
    os.rmdir(weaver)
    await asyncio.wait_for(got.wait(), 5)
asyncio.run(main())
assert b"terminating" in os.read(fd, 100)
END

if gofs_build; then
	make_pod b 'sleep 1; exit 3'
	assert_eq $'3\n'"$TEST_IMAGE" "$("$gofs" read "$MNT/b/wait/done" "$MNT/b/image")" "os.ReadFile"
fi

make_pod c 'sleep 1000'
echo "$MNT/c/ttl" | timeout 20 entr -n -p -z sh -c "cat $MNT/c/ttl >$W/entr" >/dev/null 2>&1 &
sleep 1
echo 2h >"$MNT/c/ttl"
entr_ran()
{
	[ -s "$W/entr" ]
}
wait_for 15 entr_ran
