// SPDX-License-Identifier: Apache-2.0

// gofs is what a Go program does with files, which it opens without blocking and reads by epoll.
//
//	gofs read FILE...      what os.ReadFile gives of each
//	gofs deadline FILE     a read of it ends with its deadline, 300 ms from now
//	gofs remove PATH       os.RemoveAll
//
// fmt would double what has to be built.
package main

import (
	"errors"
	"os"
	"time"
)

func deadline(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	began := time.Now()
	if err = f.SetReadDeadline(began.Add(300 * time.Millisecond)); err != nil {
		return err
	}
	if _, err = f.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.Join(errors.New("not the deadline"), err)
	}
	if late := time.Since(began); late < 250*time.Millisecond || late > 5*time.Second {
		return errors.New("after " + late.String())
	}
	return f.Close()
}

func read(path string) error {
	content, err := os.ReadFile(path)
	if err == nil {
		_, err = os.Stdout.Write(content)
	}
	return err
}

func main() {
	verbs := map[string]func(string) error{"read": read, "deadline": deadline, "remove": os.RemoveAll}
	for _, path := range os.Args[2:] {
		if err := verbs[os.Args[1]](path); err != nil {
			os.Stderr.WriteString("gofs: " + err.Error() + "\n")
			os.Exit(1)
		}
	}
}
