#!/bin/bash
# Webhooks: created, deleted, failed and cleanup arrive signed, `failed` from two mounts with one id.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

cat >"$W/receiver.py" <<'END'
import hashlib, hmac, http.server, json, os, sys
class Receiver(http.server.BaseHTTPRequestHandler):
	refused = 0
	def do_POST(self):
		body = self.rfile.read(int(self.headers["Content-Length"]))
		mac = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
		# The first one is refused once: it must come again.
		if not Receiver.refused:
			Receiver.refused = 1
			self.send_response(503)
			self.end_headers()
			return
		line = json.dumps({"path": self.path, "signed": self.headers["X-Webhook-Signature"] == mac,
			"type": self.headers["Content-Type"], "id": self.headers["X-Webhook-Id"],
			"body": json.loads(body)})
		os.write(1, line.encode() + b"\n") # in one: there are other threads
		self.send_response(204)
		self.end_headers()
	def log_message(self, *arguments):
		pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, file=open(sys.argv[1], "w"))
server.serve_forever()
END
python3 "$W/receiver.py" "$W/port" >"$W/received" &
receiver=$!
wait_for 20 test -s "$W/port"
url=http://127.0.0.1:$(cat "$W/port")

# received FILTER [N]: N lines (1) for which the jq filter holds.
received()
{
	[ "$(jq -s "[.[] | select($1)] | length" "$W/received")" = "${2:-1}" ]
}

all='["weaver.created"\,"weaver.deleted"\,"weaver.failed"\,"weavers.cleanup"]'
mount_weavers "webhooks=[{\"url\":\"$url/a\"\\,\"events\":$all\\,\"secret\":\"s3cret\"}]"
MNT=$W/other mount_weavers "webhooks=[{\"url\":\"$url/b\"\\,\"events\":[\"weaver.failed\"]}]"

mkdir "$MNT/a"
id=$(cat "$MNT/a/id")
wait_for 20 received '.body.event == "weaver.created"'
jq -e --arg id "$id" 'select(.body.event == "weaver.created") | .path == "/a" and .signed
	and .type == "application/json" and (.body | keys) == ["event", "timestamp", "weaver"]
	and (.body.timestamp | fromdate) > 1e9 and .body.weaver.id == $id
	and (.body.weaver.image | length) > 0 and .body.weaver.tags == {}' "$W/received" >/dev/null ||
	fail "created: $(cat "$W/received")"
rmdir "$MNT/a"
wait_for 20 received '.body.event == "weaver.deleted"'
jq -e --arg id "$id" 'select(.body.event == "weaver.deleted") | .signed and .body.weaver.id == $id' \
	"$W/received" >/dev/null

# Whoever made it: a failure is told by all mounts, as one event.
make_pod b 'exit 3'
wait_for 30 received '.body.event == "weaver.failed"' 2
jq -se '[.[] | select(.body.event == "weaver.failed")] | (map(.id) | unique | length) == 1
	and (map(.path) | sort) == ["/a", "/b"] and (map(.signed) | sort) == [false, true]
	and all(.body.reason | length > 0) and (map(.body) | unique | length) == 1' \
	"$W/received" >/dev/null || fail "failed: $(cat "$W/received")"

mkdir "$MNT/c" "$MNT/d"
echo 1 | tee "$MNT/c/ttl" >"$MNT/d/ttl"
wait_for 30 test ! -e "$MNT/c"
wait_for 30 test ! -e "$MNT/d"
count='[.[] | select(.body.event == "weavers.cleanup") | .body.count] | add'
cleaned()
{
	[ "$(jq -s "$count" "$W/received")" = 2 ]
}
# The other mount reaps, too; what it was faster with is not told here.
reaped=$(sed -n 's/^loom_weavers_cleanup_deleted_total //p' "$MNT/.weaverfs/metrics")
[ "$reaped" != 2 ] || wait_for 20 cleaned
jq -se '[.[] | select(.body.event == "weavers.cleanup")] | all(.body.count == (.body.weavers | length)
	and (.body.weavers | all(has("id") and has("image") and has("tags"))))' "$W/received" >/dev/null

# The last of it is told, too: what waits for its turn when weaverfs ends.
exec 3<>"$MNT/.weaverfs/new"
seq -f "last%g" 20 >&3
assert_eq 20 "$(grep -c ' ok$' <&3)" "made"
exec 3<&-
umount_weavers
received '.body.event == "weaver.created" and .signed' 23 ||
	fail "of what was made last: $(jq -s 'map(select(.body.event == "weaver.created")) | length' "$W/received")"
remount

# A receiver that is away costs a line in errors, and nobody waits for it.
kill "$receiver"
wait "$receiver" || true
mkdir "$MNT/e"
given_up()
{
	grep -q 'webhook.http://127.0.0.1.EHOSTUNREACH' "$MNT/.weaverfs/errors" &&
		grep -q '^weaverfs_webhooks_failed_total [1-9]' "$MNT/.weaverfs/metrics"
}
wait_for 60 given_up
! grep -q "s3cret\|$url/a" "$MNT/.weaverfs/errors" || fail "a secret in errors"

# What cannot be sent when weaverfs ends is said.
mkdir "$MNT/f"
umount_weavers
grep -q "http://127.0.0.1: [1-9][0-9]* webhook deliveries were not sent" "$W/weaverfs.log" ||
	fail "$(tail "$W/weaverfs.log")"
