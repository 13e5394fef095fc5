package build

import "testing"

func TestAnnouncement(t *testing.T) {
	program := work{part{name: "the program", linking: 10, packages: 900}, 900}
	cli := work{part{name: "the CLI", linking: 3, instead: "one on the PATH"}, 200}
	tidb := work{part{name: "TiDB", linking: 10, instead: "TIDB_SERVER=PATH"}, 1700}
	for name, tt := range map[string]struct {
		works []work
		cores int
		want  string
	}{
		"nothing": {nil, 2, ""},
		"all": {[]work{program, tidb, cli}, 2, "building the program, TiDB and the CLI into bin/, only once: up to 2800 packages, about 9 minutes on 2 cores\n" +
			"  TIDB_SERVER=PATH saves about 6 minutes\n" +
			"  one on the PATH saves about half a minute\n"},
		"on many cores": {[]work{program, tidb, cli}, 32, "building the program, TiDB and the CLI into bin/, only once: up to 2800 packages, about 2 minutes on 32 cores\n  TIDB_SERVER=PATH saves about a minute\n"},
		"two":           {[]work{program, cli}, 2, "building the program and the CLI into bin/, only once: up to 1100 packages, about 4 minutes on 2 cores\n  one on the PATH saves about half a minute\n"},
		"little":        {[]work{{cli.part, 3}}, 1, "building the CLI into bin/, only once: up to 3 packages, a few seconds on 1 core\n"},
		"compiled":      {[]work{{cli.part, 0}, {tidb.part, 0}}, 2, "linking the CLI and TiDB into bin/\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if have := announcement(tt.works, tt.cores); have != tt.want {
				t.Errorf("it says\n%s, want\n%s", have, tt.want)
			}
		})
	}
}
