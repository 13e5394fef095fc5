package mark

import "testing"

func TestFind(t *testing.T) {
	owner := Owner(Of("1234", 7), "abcdefghijkl")
	for _, test := range []struct {
		owner, repository string
		want              int // 0 for none
	}{
		{owner, "1234", 7},
		{owner, "12345", 0},
		{Of("1234", 7), "1234", 0},
		{Owner(Of("1234", 70), "a"), "1234", 70},
		{"portfolio-pr-7-abcdefghijkl", "1234", 0},
		{"", "1234", 0},
	} {
		if n, ok := Find(test.owner, test.repository); n != test.want || ok != (n > 0) {
			t.Errorf("Find(%q, %q) is %d, %t; want %d", test.owner, test.repository, n, ok, test.want)
		}
	}
	for owner, want := range map[string]int{owner: 7, "portfolio-pr-7-abcdefghijkl": 0} {
		if n, ok := Marked(owner); n != want || ok != (n > 0) {
			t.Errorf("Marked(%q) is %d, %t; want %d", owner, n, ok, want)
		}
	}
	if !Bears(owner, Of("1234", 7)) || Bears(Owner(Of("1234", 70), "a"), Of("1234", 7)) || Bears(owner, Of("4321", 7)) {
		t.Error("an owner bears another mark than its own")
	}
}

func TestNumber(t *testing.T) {
	for stack, want := range map[string]int{"pr-1": 1, "pr-120": 120, "pr-0": 0, "pr-01": 0, "pr-": 0, "pr-1a": 0, "prod": 0, "my-pr-1": 0, "pr-1234567890": 0} {
		if n, ok := Number(stack); n != want || ok != (want > 0) {
			t.Errorf("Number(%q) is %d, %t; want %d", stack, n, ok, want)
		}
	}
}
