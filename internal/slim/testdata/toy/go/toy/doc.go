// Package toy manages toys.
package toy
