package engine

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
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"portfolio-infra/internal/sandbox/standin"
)

// Plugin is a plugin that the SDKs ask for, with its stand-in. The versions are those of
// go.mod.
type Plugin struct {
	Name, Version string
	StandIn       func(standin.Process) p.Provider
}

// Plugins are the plugins that the stack needs besides its own.
var Plugins = []Plugin{
	{"cloudflare", "6.17.0", standin.Cloudflare},
	{"command", "1.2.1", standin.Command},
}

// attachPlugins lets the engine find the real plugins that are installed. It serves stand-ins
// for the others until detach is called, and puts their ports into the environment.
// https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/debugging-provider-packages/
func (e *Engine) attachPlugins(ctx context.Context, env map[string]string) (detach func(), err error) {
	var stops []func()
	detach = func() {
		for _, stop := range stops {
			stop()
		}
	}
	defer func() {
		if err != nil {
			detach()
		}
	}()
	var attached, found []string
	for _, plugin := range Plugins {
		from, err := e.install(ctx, plugin)
		if err != nil {
			return nil, err
		}
		if from != "" {
			found = append(found, fmt.Sprintf("%s %s from %s", plugin.Name, plugin.Version, from))
			continue
		}
		port, stop, err := standin.Serve(plugin.Name, plugin.Version, plugin.StandIn(e.process(env)))
		if err != nil {
			return nil, err
		}
		stops = append(stops, stop)
		attached = append(attached, fmt.Sprintf("%s:%d", plugin.Name, port))
		found = append(found, plugin.Name+" by a stand-in")
	}
	fmt.Fprintf(e.Stderr, "plugins: %s\n", strings.Join(found, ", "))
	const variable = "PULUMI_DEBUG_PROVIDERS"
	if more := env[variable]; more != "" {
		attached = append(attached, more)
	}
	env[variable] = strings.Join(attached, ",")
	return detach, nil
}

// install makes a real plugin of the right version known to the engine. It returns where the
// plugin was found, or "".
func (e *Engine) install(ctx context.Context, plugin Plugin) (from string, err error) {
	executable := "pulumi-resource-" + plugin.Name
	if path, err := exec.LookPath(executable); err == nil {
		if version, err := pluginVersion(ctx, path); err == nil && strings.TrimPrefix(version, "v") == plugin.Version {
			// The engine looks on the PATH by itself.
			return "the PATH", nil
		}
	}
	plugins, err := workspace.GetPluginDir()
	if err != nil {
		return "", nil
	}
	folder := fmt.Sprintf("resource-%s-v%s", plugin.Name, plugin.Version)
	if _, err := os.Stat(filepath.Join(plugins, folder, executable)); err != nil {
		return "", nil
	}
	linked := e.path(filepath.Join("home", "plugins"))
	if err := os.MkdirAll(linked, 0o700); err != nil {
		return "", err
	}
	err = os.Symlink(filepath.Join(plugins, folder), filepath.Join(linked, folder))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return filepath.Dir(plugins), nil
}

// pluginTimeout is how long a plugin may take to start and say its version.
const pluginTimeout = 20 * time.Second

// pluginVersion starts a plugin and asks it for its version.
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
