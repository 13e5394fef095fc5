package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/engine"
	"portfolio-infra/internal/sandbox/standin"
)

// TestMain lets this binary be the plugins that a plain `pulumi up` starts, under their
// names: the stand-ins get the environment of the workflow's step, as the real ones do.
func TestMain(m *testing.M) {
	provide := func(name, version string, provider p.Provider) {
		if err := provider.Run(context.Background(), name, version); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	name := filepath.Base(os.Args[0])
	for _, pl := range engine.Plugins {
		if name == "pulumi-resource-"+pl.Name {
			provide(pl.Name, pl.Version, pl.StandIn(standin.Process{Environ: os.Environ()}))
		}
	}
	if name == "pulumi-language-go" {
		if err := serveLanguage(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The CLI inherits the environment, and no test may use a developer's own.
	for _, name := range []string{"DOPPLER_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_DEBUG_PROVIDERS"} {
		_ = os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// shims makes a folder for the PATH: plugins that are this binary, and a `doppler` that
// knows one token and the secrets behind it.
func (r *runner) shims(token string, secrets map[string]string) string {
	r.Helper()
	self, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	dir := r.TempDir()
	names := []string{"pulumi-language-go"}
	for _, pl := range engine.Plugins {
		names = append(names, "pulumi-resource-"+pl.Name)
	}
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			r.Fatal(err)
		}
	}
	// Doppler's values win over the environment's, even if those are empty.
	// https://github.com/DopplerHQ/cli/blob/master/pkg/controllers/secrets.go, PrepareSecrets
	doppler := "#!/bin/sh\n" + `[ "$DOPPLER_TOKEN" = ` + clouds.Quote(token) + ` ] && [ "$1 $2" = "run --" ] || { echo "doppler: refused" >&2; exit 1; }` + "\nshift 2\n"
	for name, value := range secrets {
		doppler += "export " + name + "=" + clouds.Quote(value) + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "doppler"), []byte(doppler+`exec "$@"`+"\n"), 0o700); err != nil {
		r.Fatal(err)
	}
	return dir
}

// language takes the place of Pulumi's Go language host. It runs the program that `make
// build` left, where the real one compiles it first.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/pulumi-language-go/main.go
type language struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
}

// serveLanguage serves the language host until it is killed, as the engine does.
func serveLanguage(engine string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pulumirpc.RegisterLanguageRuntimeServer(server, &language{engine: engine})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

func (*language) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: build.CLIVersion}, nil
}

// GetRequiredPackages returns the plugins of the SDKs in go.mod.
func (*language) GetRequiredPackages(context.Context, *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	var required pulumirpc.GetRequiredPackagesResponse
	for _, pl := range engine.Plugins {
		required.Packages = append(required.Packages, &pulumirpc.PackageDependency{Name: pl.Name, Kind: "resource", Version: "v" + pl.Version})
	}
	return &required, nil
}

func (l *language) Run(ctx context.Context, r *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	config, err := json.Marshal(r.GetConfig())
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(r.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	target, _ := r.GetInfo().GetOptions().AsMap()["buildTarget"].(string)
	cmd := exec.CommandContext(ctx, filepath.Join(r.GetInfo().GetProgramDirectory(), target))
	cmd.Dir = r.GetPwd()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	for name, value := range map[string]string{
		pulumi.EnvOrganization: r.GetOrganization(), pulumi.EnvProject: r.GetProject(), pulumi.EnvStack: r.GetStack(),
		pulumi.EnvPulumiRootDirectory: r.GetInfo().GetRootDirectory(), pulumi.EnvConfig: string(config), pulumi.EnvConfigSecretKeys: string(secretKeys),
		pulumi.EnvDryRun: strconv.FormatBool(r.GetDryRun()), pulumi.EnvParallel: strconv.Itoa(int(r.GetParallel())),
		pulumi.EnvMonitor: r.GetMonitorAddress(), pulumi.EnvEngine: l.engine,
	} {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == constant.ExitStatusLoggedError:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
}
