package sdk

// A is used.
var A = 1 // one

// Alone.

// B is not.
var B = 2
