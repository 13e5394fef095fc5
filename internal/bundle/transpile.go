package bundle

import "github.com/evanw/esbuild/pkg/api"

// Transpile returns what esbuild makes of one file of code, with the settings of its
// tsconfig.json. It returns nothing if the file is not code.
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
