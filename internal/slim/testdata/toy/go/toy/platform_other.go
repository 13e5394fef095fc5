// Copyright of no one.

//go:build !linux

package toy

import "runtime"

func platform() string { return runtime.GOOS }
