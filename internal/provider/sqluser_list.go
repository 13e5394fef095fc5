package provider

import (
	"context"
	"slices"
	"time"

	"portfolio-infra/internal/tidbcloud"
)

// userListMaxAge is how long a list of SQL users is used.
const userListMaxAge = 30 * time.Second

// userLists keeps the last list of SQL users of each cluster, so that one request serves all diffs
// of a run. A write drops the list.
type userLists struct {
	lock  chan struct{} // full while it is held; unlike a mutex, waiting for it can be cancelled
	lists map[string]userList
}

type userList struct {
	users []tidbcloud.SQLUser
	at    time.Time
}

func newUserLists() *userLists {
	return &userLists{lock: make(chan struct{}, 1), lists: map[string]userList{}}
}

// find returns a SQL user by its full name, or nil if there is none.
func (l *userLists) find(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.SQLUser, error) {
	select {
	case l.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.lock }()
	list, ok := l.lists[clusterID]
	if !ok || time.Since(list.at) >= userListMaxAge {
		users, err := api.ListSQLUsers(ctx, clusterID)
		if err != nil {
			return nil, err
		}
		list = userList{users, time.Now()}
		l.lists[clusterID] = list
	}
	i := slices.IndexFunc(list.users, func(u tidbcloud.SQLUser) bool { return u.FullName == fullName })
	if i < 0 {
		return nil, nil
	}
	return &list.users[i], nil
}

// drop drops the list of a cluster. It is called before and after each write, since a failed one may
// have taken effect.
func (l *userLists) drop(clusterID string) {
	l.lock <- struct{}{}
	defer func() { <-l.lock }()
	delete(l.lists, clusterID)
}

// deleteUser deletes a SQL user. It succeeds if the user is gone afterwards.
func (l *userLists) deleteUser(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) error {
	l.drop(clusterID)
	defer l.drop(clusterID)
	err := api.DeleteSQLUser(ctx, clusterID, fullName)
	if err != nil {
		if live, readErr := findUser(ctx, api, clusterID, fullName); readErr == nil && live == nil {
			err = nil
		}
	}
	return err
}
