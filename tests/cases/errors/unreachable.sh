#!/bin/bash
# A server that cannot be reached, or is somebody else: writes fail at once and say why, reads go on.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

# serve PROGRAM [ARGUMENTS]: starts it on $port (0: any, written to the file port); it is $served.
serve()
{
	python3 "$@" &
	served=$!
	wait_for 10 test -s "$W/port"
	port=$(cat "$W/port")
}

unserve()
{
	end_by_force "$served"
}

# within MS COMMAND...
within()
{
	local start=${EPOCHREALTIME/./} ms
	"${@:2}"
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$ms" -lt "$1" ] || fail "took $ms ms: ${*:2}"
}

health()
{
	[[ $(head -n 1 "$MNT/.weaverfs/health") =~ $1 ]]
}

last_error()
{
	tail -n 1 "$MNT/.weaverfs/errors"
}

# refused MESSAGE ERRNO WORDS: everything that needs the server; what does not is there.
refused()
{
	within 500 assert_errno "$1" mkdir "$MNT/b"
	assert_match $'\tmkdir\tb\t'"$2"$'\t.*'"$3" "$(last_error)"
	within 500 assert_errno "$1" rmdir "$MNT/a"
	assert_match $'\trmdir\ta\t'"$2"$'\t.*'"$3" "$(last_error)"
	within 500 assert_errno "$1" bash -c "echo 1h >'$MNT/a/ttl'"
	assert_match $'\twrite\ta/ttl\t'"$2"$'\t.*'"$3" "$(last_error)"
	within 500 assert_errno "$1" cat "$MNT/a/pod.json"
	assert_match $'\topen\ta/pod.json\t'"$2"$'\t.*'"$3" "$(last_error)"
	assert_match '^(pending|running)$' "$(cat "$MNT/a/status")"
	within 500 ls -lR "$MNT" >/dev/null
}

cat >forward.py <<'END'
import asyncio, sys

async def carry(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()

async def connected(source, sink):
    host, port = sys.argv[2].rsplit(":", 1)
    there = await asyncio.open_connection(host, port)
    await asyncio.gather(carry(source, there[1]), carry(there[0], sink))

async def main():
    server = await asyncio.start_server(connected, "127.0.0.1", int(sys.argv[1]))
    print(server.sockets[0].getsockname()[1], file=open("port", "w"))
    await server.serve_forever()

sys.stderr = open("forward.log", "w")
asyncio.run(main())
END
cat >other.py <<'END'
import http.server, ssl, sys

server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("other.crt", "other.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stderr = open("other.log", "w")
server.serve_forever()
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=other \
	-addext subjectAltName=IP:127.0.0.1 -keyout other.key -out other.crt 2>/dev/null

server=$(k config view -o 'jsonpath={.clusters[0].cluster.server}')
serve forward.py 0 "${server#https://}"
sed -i "s|$server|https://127.0.0.1:$port|" "$KUBECONFIG"
mount_weavers
mkdir "$MNT/a"

unserve
wait_for 20 health '^degraded: the API server is away since 20.*'
refused 'No route to host' EHOSTUNREACH "away since 20.*127.0.0.1:$port"
within 500 assert_errno 'No route to host' bash -c "echo now >'$MNT/.weaverfs/reap'"
assert_match $'\twrite\t.weaverfs/reap\tEHOSTUNREACH\tthe API server is away' "$(last_error)"

serve other.py "$port"
wait_for 60 health '^degraded: .*certificate is not trusted'
refused 'Protocol error' EPROTO 'certificate is not trusted'
unserve

serve forward.py "$port" "${server#https://}"
wait_for 60 health '^ok$'
mkdir "$MNT/b"
rmdir "$MNT/a"
unserve
