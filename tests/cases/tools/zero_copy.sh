#!/bin/bash
# Programs that copy by sendfile, splice and copy_file_range get what those get that read.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/watch.sh"

# busybox's cat and cp send a file that is not a terminal's to what is not one.
mount_weavers
make_pod a 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); echo "line $i"; done; sleep 1000'
mkdir "$MNT/gone" "$MNT/.drafts/d"
rmdir "$MNT/gone"
wait_for 30 status_is a running
printed()
{
	k logs "$(pod_of a)" | grep -q 'line 20000'
}
wait_for 30 printed
# Nobody has opened it before: its size was 0. An open waits 2 s at most for all of it.
[ "$(busybox cat "$MNT/a/logs" | grep -c '^line ')" -gt 0 ] || fail "a log that was never opened is empty"
whole()
{
	[ "$(busybox cat "$MNT/a/logs" | grep -c '^line ')" = 20000 ]
}
wait_for 20 whole
archived()
{
	[ "$(busybox cat "$MNT/.archive/gone~"*/status | cat)" != terminating ]
}
wait_for 30 archived

# All files, also those whose size is 0 because they are fetched; logs is larger than a pipe.
for file in "$MNT"/a/* "$MNT"/.drafts/d/* "$MNT"/.archive/*/* "$MNT"/.weaverfs/[!er]*; do
	case $file in
	*/usage | "$MNT"/a/audit | */stdin | */ports | */ttl | */metrics | */health | */new | */defaults) continue ;;
	esac
	files+=("$file")
	cat "$file" >"$W/read"
	busybox cat "$file" | cmp "$W/read" - || fail "busybox cat of $file"
done
[ "${#files[@]}" -gt 50 ] || fail "only ${#files[@]} files"
for file in logs pod.json status; do
	busybox cp "$MNT/a/$file" "$W/copied"
	cat "$MNT/a/$file" | cmp "$W/copied" - || fail "busybox cp of $file"
done
python3 - "${files[@]}" <<'END'
import shutil, sys
for path in sys.argv[1:]:
	# It asks for the size after the open, which is 0 of what is fetched.
	if not path.endswith("/a/pod.json"):
		shutil.copyfile(path, "copied")
		assert open(path, "rb").read() == open("copied", "rb").read(), f"shutil.copyfile of {path}"
END
for file in a/ttl .weaverfs/metrics .weaverfs/health; do # another one each time
	[ -n "$(busybox cat "$MNT/$file" | cat)" ] || fail "busybox cat of $file is empty"
done

# The size that the kernel knows is an old one: longer and shorter values come whole.
for tag in a=1 a=1234567890 b=2 ''; do
	stat "$MNT/a/tags" >/dev/null
	k annotate --overwrite pod "$(cat "$MNT/a/pod")" "loom.dev/tags=$(jq -Rnc --arg t "$tag" '[$t | select(. != "") | split("=") | {(.[0]): .[1]}] | add // {}')" >/dev/null
	has_tag()
	{
		[ "$(busybox cat "$MNT/a/tags" | cat)" = "$tag" ]
	}
	wait_for 5 has_tag
done

# Streams: each part as it comes, up to the end.
assert_eq running "$(busybox cat "$MNT/a/wait/running" | cat)"
busybox cat "$MNT/a/follow/status" | cat >"$W/status" &
follower=$!
busybox cat "$MNT/a/wait/gone" | cat >"$W/gone" &
waiter=$!
wait_for 10 grep -q running "$W/status"
rmdir "$MNT/a"
wait "$follower" "$waiter"
assert_match '^running (terminating )?(failed )?(terminating )?$' "$(tr '\n' ' ' <"$W/status")"
grep -q failed "$W/gone" || fail "wait/gone: $(cat "$W/gone")"

# Who may see less gets less, though another has just been sent all of it: one page cache is for all.
expect_fail mkdir "$MNT/UPPER"
grep -q UPPER "$MNT/.weaverfs/errors"
python3 - "$MNT/.weaverfs" <<'END'
import errno, mmap, os, sys
def sent(fd):
	"""What sendfile gives; None: it refuses."""
	into, out = os.pipe()
	try:
		os.sendfile(out, fd, 0, 65536)
	except OSError as e:
		assert e.errno == errno.EINVAL, e
		return None
	os.close(out)
	return os.read(into, 65536)
for name in ("errors", "weavers"):
	path = f"{sys.argv[1]}/{name}"
	theirs_into, theirs = os.pipe()
	turn_into, turn = os.pipe()
	pid = os.fork()
	if pid == 0:
		os.setresgid(2001, 2001, 2001)
		os.setresuid(2001, 2001, 2001)
		fd = os.open(path, os.O_RDONLY)
		os.write(theirs, b"opened")
		os.read(turn_into, 1)
		got = sent(fd)
		os.write(theirs, b"refused" if got is None else got)
		os._exit(0)
	os.read(theirs_into, 10)
	fd = os.open(path, os.O_RDONLY)
	assert sent(fd) is None, f"{name} is served from the page cache"
	os.write(turn, b"x")
	got = os.read(theirs_into, 65536)
	assert got == b"refused", got
	os.waitpid(pid, 0)
END
