package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// languageHost is enough of Go's language host for `pulumi import`, which starts the one of
// Pulumi.yaml and runs no program. The real one is not to be had offline.
type languageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
}

const languageHostName = "pulumi-language-go"

func (languageHost) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

func (languageHost) GetRequiredPackages(context.Context, *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// This test's program is the language host under that name.
func init() {
	if filepath.Base(os.Args[0]) != languageHostName {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	pulumirpc.RegisterLanguageRuntimeServer(server, languageHost{})
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	panic(server.Serve(l))
}

// addLanguageHost puts the language host on the PATH of the fixture's engine.
func (f *fixture) addLanguageHost() {
	f.Helper()
	self, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.Dir, "path", languageHostName)
	if _, err := os.Lstat(path); err == nil {
		return
	}
	if err := os.Symlink(self, path); err != nil {
		f.Fatal(err)
	}
}
