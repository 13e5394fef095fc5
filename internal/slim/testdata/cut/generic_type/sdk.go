package sdk

type A[T, U any] struct{}

func (*A[T, _]) M(b B) {}

func (a A[T, U]) N() C { return 0 }

type B int

type C int

type D int
