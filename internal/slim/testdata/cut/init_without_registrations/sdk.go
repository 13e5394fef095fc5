package sdk

import "p"

type A struct{}

type B struct{}

// It may do anything, so it stays.
func init() {
	for i := range 3 {
		p.Do(B{}, i)
	}
}
