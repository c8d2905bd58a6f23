#!/bin/bash
# A Go program, which waits by epoll for every file, reads wait/done, and its read deadlines hold.
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# tier: all
. "$LIB/case.sh"

mount_weavers
go=$(type -P go || ls /usr/local/go/bin/go 2>/dev/null) || skip "needs Go"
cat >"$W/main.go" <<'END'
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

func main() {
	f, err := os.Open(os.Args[1] + "/wait/gone")
	if err != nil {
		panic(err)
	}
	if err = f.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		panic(err)
	}
	if _, err = f.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		panic(fmt.Sprint("not the deadline: ", err))
	}
	done, err := os.ReadFile(os.Args[1] + "/wait/done")
	fmt.Printf("%s%v\n", done, err)
}
END
(cd "$W" && CGO_ENABLED=0 GO111MODULE=off "$go" build -o waits main.go)
make_pod b 'sleep 2; exit 6'
assert_eq "6
<nil>" "$(timeout 60 "$W/waits" "$MNT/b")"
