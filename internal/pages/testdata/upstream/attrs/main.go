// Attrs shows that a process killed while gocloud.dev's fileblob writes leaves a blob
// that cannot be read. The attributes lie in a file beside the blob. Unlike the blob,
// that file is truncated and written in place, so it can be left empty.
//
//	cd internal/tools && GOWORK=off go run -trimpath ../binding/testdata/upstream/attrs/main.go
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gocloud.dev/blob/fileblob"
)

func main() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "attrs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bucket, err := fileblob.OpenBucket(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := bucket.WriteAll(ctx, "state.json", []byte("{}"), nil); err != nil {
		log.Fatal(err)
	}
	// What a kill leaves between the two system calls of os.Create and Encode.
	if err := os.Truncate(filepath.Join(dir, "state.json.attrs"), 0); err != nil {
		log.Fatal(err)
	}
	content, err := bucket.ReadAll(ctx, "state.json")
	fmt.Printf("read %q, error: %v\n", content, err)
}
