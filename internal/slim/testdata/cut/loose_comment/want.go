package sdk

// A is used.
var A = 1 // one
