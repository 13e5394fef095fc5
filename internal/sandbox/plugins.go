package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"portfolio-infra/internal/sandbox/standin"
)

// plugin is one of those that the SDKs ask for, and what takes its place. The
// versions are those of go.mod.
type plugin struct {
	name, version string
	standIn       func() p.Provider
}

var plugins = []plugin{
	{"cloudflare", "6.17.0", standin.Cloudflare},
	{"command", "1.2.1", standin.Command},
}

// attachPlugins lets the engine find the real plugins that are installed, and
// serves stand-ins for the others until detach is called. The environment says
// where they are.
// https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/debugging-provider-packages/
func (s *sandbox) attachPlugins(ctx context.Context, env map[string]string) (detach func(), err error) {
	var stops []func()
	detach = func() {
		for _, stop := range stops {
			stop()
		}
	}
	var attached, says []string
	for _, pl := range plugins {
		where, err := s.install(ctx, pl)
		if err != nil {
			detach()
			return nil, err
		}
		if where != "" {
			says = append(says, fmt.Sprintf("%s %s from %s", pl.name, pl.version, where))
			continue
		}
		port, stop, err := standin.Serve(pl.name, pl.version, pl.standIn())
		if err != nil {
			detach()
			return nil, err
		}
		stops = append(stops, stop)
		attached = append(attached, fmt.Sprintf("%s:%d", pl.name, port))
		says = append(says, pl.name+" by a stand-in")
	}
	fmt.Fprintf(s.stderr, "plugins: %s\n", strings.Join(says, ", "))
	env["PULUMI_DEBUG_PROVIDERS"] = strings.Join(attached, ",")
	return detach, nil
}

// install makes a real plugin of the right version known to the sandbox's engine
// and says where it was found, or "".
func (s *sandbox) install(ctx context.Context, pl plugin) (where string, err error) {
	if path, err := exec.LookPath("pulumi-resource-" + pl.name); err == nil {
		if version, err := pluginVersion(ctx, path); err == nil && strings.TrimPrefix(version, "v") == pl.version {
			// The engine looks on the PATH by itself.
			return "the PATH", nil
		}
	}
	home := os.Getenv("PULUMI_HOME")
	if home == "" || home == s.path("home") {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", nil
		}
		home = filepath.Join(user, ".pulumi")
	}
	folder := fmt.Sprintf("resource-%s-v%s", pl.name, pl.version)
	installed := filepath.Join(home, "plugins", folder)
	if _, err := os.Stat(filepath.Join(installed, "pulumi-resource-"+pl.name)); err != nil {
		return "", nil
	}
	mine := filepath.Join(s.path("home"), "plugins")
	if err := os.MkdirAll(mine, 0o700); err != nil {
		return "", err
	}
	err = os.Symlink(installed, filepath.Join(mine, folder))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return home, nil
}

// pluginTimeout is how long a plugin may take to start and say its version.
const pluginTimeout = 20 * time.Second

// pluginVersion starts a plugin and asks it.
func pluginVersion(ctx context.Context, path string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, pluginTimeout)
	defer stop()
	cmd := exec.CommandContext(ctx, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", err
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	info, err := pulumirpc.NewResourceProviderClient(conn).GetPluginInfo(ctx, &emptypb.Empty{})
	if err != nil {
		return "", err
	}
	return info.GetVersion(), nil
}
