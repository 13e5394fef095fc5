package clouds

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"

	"portfolio-infra/internal/sandbox/emulator"
)

// CallsFile is the file with the log of calls.
const CallsFile = "calls.jsonl"

// Calls are those that the clouds of a folder log from a moment on, in whichever process.
type Calls struct {
	file  string
	after int64
}

// CallsFrom returns the calls from now on.
func CallsFrom(dir string) Calls {
	c := Calls{file: filepath.Join(dir, CallsFile)}
	if info, err := os.Stat(c.file); err == nil {
		c.after = info.Size()
	}
	return c
}

// Count counts them. Clouds that log elsewhere have none.
func (c Calls) Count() (reads, writes int) {
	file, err := os.Open(c.file)
	if err != nil {
		return 0, 0
	}
	defer file.Close()
	for lines := json.NewDecoder(io.NewSectionReader(file, c.after, math.MaxInt64-c.after)); ; {
		var call emulator.Call
		if lines.Decode(&call) != nil {
			return reads, writes
		}
		if call.Write() {
			writes++
		} else {
			reads++
		}
	}
}
