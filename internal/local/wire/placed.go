package wire

import (
	"maps"
	"slices"
	"sync"
)

// Placed is a service that is another one in every account and Region: each has its own state.
type Placed[S Service] struct {
	open func(account, region string) S
	any  S // for what is the same everywhere

	mu     sync.Mutex
	places map[[2]string]S
}

// NewPlaced returns a service that open makes for each account and Region at its first use there.
func NewPlaced[S Service](open func(account, region string) S) *Placed[S] {
	return &Placed[S]{open: open, any: open("", ""), places: map[[2]string]S{}}
}

// In returns the service of an account and Region.
func (p *Placed[S]) In(account, region string) S {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := [2]string{account, region}
	service, known := p.places[place]
	if !known {
		service = p.open(account, region)
		p.places[place] = service
	}
	return service
}

// Places are the accounts and Regions in which the service was used, in order: {account, Region}.
func (p *Placed[S]) Places() [][2]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.places), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

// Name is the service's signing name.
func (p *Placed[S]) Name() string { return p.any.Name() }

// Protocol is the service's protocol.
func (p *Placed[S]) Protocol() Protocol { return p.any.Protocol() }

// Operations are the service's operations, each of the account and Region of the call.
func (p *Placed[S]) Operations() map[string]Operation {
	operations := map[string]Operation{}
	for name, operation := range p.any.Operations() {
		there := func(call *Call) Operation { return p.In(call.AccountID, call.Region).Operations()[name] }
		operations[name] = Operation{
			Write:       operation.Write,
			Permissions: func(call *Call) []Permission { return there(call).Permissions(call) },
			Do:          func(call *Call) ([]byte, error) { return there(call).Do(call) },
		}
	}
	return operations
}
