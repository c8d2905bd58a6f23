// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools keeps the etcd server of the test cluster in go.mod.
package tools

import _ "go.etcd.io/etcd/server/v3"
