package provider

import (
	"context"
	"slices"
	"time"

	"portfolio-infra/internal/tidbcloud"
)

// listsFor is how long a list of SQL users serves the diffs of a run.
const listsFor = 30 * time.Second

// userLists keeps the last list of SQL users of each cluster for a short time, so that
// all diffs of a run make do with one call. One caller asks and the others wait for
// its answer; a write drops the list.
type userLists struct {
	turn  chan struct{} // holds one token; a channel, because waiting for it must end with the request
	lists map[string]userList
}

type userList struct {
	users []tidbcloud.SQLUser
	at    time.Time
}

func newUserLists() *userLists {
	l := &userLists{turn: make(chan struct{}, 1), lists: map[string]userList{}}
	l.turn <- struct{}{}
	return l
}

// locked runs f while nobody else does.
func (l *userLists) locked(ctx context.Context, f func()) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { l.turn <- struct{}{} }()
	f()
	return nil
}

// find returns a SQL user by its full name, or nil if there is none.
func (l *userLists) find(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.SQLUser, error) {
	var list userList
	var err error
	if waited := l.locked(ctx, func() {
		list = l.lists[clusterID]
		if !list.at.IsZero() && time.Since(list.at) < listsFor {
			return
		}
		if list.users, err = api.ListSQLUsers(ctx, clusterID); err == nil {
			list.at = time.Now()
			l.lists[clusterID] = list
		}
	}); waited != nil {
		return nil, waited
	}
	i := slices.IndexFunc(list.users, func(u tidbcloud.SQLUser) bool { return u.FullName == fullName })
	if err != nil || i < 0 {
		return nil, err
	}
	return &list.users[i], nil
}

// drop forgets a cluster's list. It is called before and after a write, since one
// without an answer may have taken effect.
func (l *userLists) drop(clusterID string) {
	_ = l.locked(context.Background(), func() { delete(l.lists, clusterID) })
}
