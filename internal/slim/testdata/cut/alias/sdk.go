package sdk

type A struct{}

type B = A

func (*B) M() C { return 0 }

type C int

type D int
