// Package extra is a second package to cut, which uses the first one.
package extra

import (
	"example.com/pulumi-toy/sdk/v2/go/toy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NewPair makes two balls.
func NewPair(ctx *pulumi.Context, name string) (a, b *toy.Ball, err error) {
	if a, err = toy.NewBall(ctx, name+"-a", nil); err != nil {
		return nil, nil, err
	}
	b, err = toy.NewBall(ctx, name+"-b", nil)
	return a, b, err
}

// NewRobot is left out by whoever wants balls only.
func NewRobot(ctx *pulumi.Context, name string) (*toy.Robot, error) {
	return toy.NewRobot(ctx, name, &toy.RobotArgs{})
}
