package sdk

type A struct{}
