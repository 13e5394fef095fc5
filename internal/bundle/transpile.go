package bundle

import "github.com/evanw/esbuild/pkg/api"

// Transpile returns what esbuild makes of one file of code, with the settings of the
// tsconfig.json that belongs to it. It is empty for what is no code.
func Transpile(file string) []byte {
	all := Options{}.options("", file)
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{file},
		Outfile:     outfile,
		Format:      all.Format,
		Target:      all.Target,
		Loader:      all.Loader,
		LogLevel:    api.LogLevelSilent,
	})
	return output(built)
}
