package office

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/rpc"
)

// ErrStores is returned when a job could not do its work at some of the stores it called; it did at the others.
var ErrStores = errors.New("not at every store")

// ParseStores reads SERVER=HOST:PORT arguments. Where one server is enrolled alone, its address is enough.
func ParseStores(home Home, arguments []string) ([]*officev1.StoreAddress, error) {
	if err := home.require(); err != nil {
		return nil, err
	}
	keys, err := publisher.LoadKeys(home.Keys())
	if err != nil {
		return nil, err
	}
	enrolled := keys.Servers()
	stores := make([]*officev1.StoreAddress, 0, len(arguments))
	for _, argument := range arguments {
		server, address, named := strings.Cut(argument, "=")
		if !named {
			if len(enrolled) != 1 {
				return nil, fmt.Errorf("%s: say which of the %d enrolled servers it is: SERVER=%s", argument, len(enrolled), argument)
			}
			server, address = enrolled[0].ID, argument
		}
		stores = append(stores, &officev1.StoreAddress{ServerId: server, Address: address})
	}
	return stores, nil
}

// dialStore connects to a store's server with what was drawn for head-office jobs when it was enrolled, or with a token given.
func dialStore(home Home, keys *publisher.Keys, store *officev1.StoreAddress, token string) (*grpc.ClientConn, error) {
	for _, s := range keys.Servers() {
		if s.ID != store.GetServerId() {
			continue
		}
		if address, secure := rpc.NeedsTLS(store.GetAddress()); secure {
			show, err := home.dialer(syncFile, s.Store)
			if err != nil {
				return nil, err
			}
			return rpc.Dial(address, show)
		}
		if token == "" {
			token = s.SyncToken
		}
		if token == "" {
			return nil, fmt.Errorf("server %s was enrolled before head-office jobs had tokens: enrol it again, or show its admin token with --token", s.ID)
		}
		return rpc.Dial(store.GetAddress(), rpc.DialConfig{Token: token})
	}
	return nil, fmt.Errorf("server %s is not enrolled: see `stamklant-office servers`", store.GetServerId())
}

// atEach does a job at every store, and says what went wrong at which.
func atEach(stores []*officev1.StoreAddress, tell func(format string, arguments ...any), do func(*officev1.StoreAddress) error) error {
	failed := 0
	for _, store := range stores {
		if err := do(store); err != nil {
			failed++
			tell("%s (%s): %v\n", store.GetServerId(), store.GetAddress(), plain(err))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: failed at %d of %d", ErrStores, failed, len(stores))
	}
	return nil
}
