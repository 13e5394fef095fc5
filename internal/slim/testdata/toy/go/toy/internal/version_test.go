package internal

import "example.com/this/is/not/copied"

var _ = copied.X
