package standin

import (
	"context"
	"fmt"
	"net"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/middleware/cancel"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// stopTimeout is how long a provider may take to finish its work when it is stopped.
const stopTimeout = 5 * time.Second

// Serve serves a provider on a loopback port, for the engine to attach to
// (PULUMI_DEBUG_PROVIDERS), until stop is called.
func Serve(name, version string, provider p.Provider) (port int, stop func(), err error) {
	server, err := p.RawServer(name, version, cancel.Wrap(provider))(nil)
	if err != nil {
		return 0, nil, fmt.Errorf("making the stand-in for %s: %w", name, err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("serving the stand-in for %s: %w", name, err)
	}
	g := grpc.NewServer()
	pulumirpc.RegisterResourceProviderServer(g, server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// It returns nil when it is stopped.
		_ = g.Serve(listener)
	}()
	return listener.Addr().(*net.TCPAddr).Port, func() {
		timer := time.AfterFunc(stopTimeout, g.Stop)
		defer timer.Stop()
		g.GracefulStop()
		<-done
	}, nil
}
