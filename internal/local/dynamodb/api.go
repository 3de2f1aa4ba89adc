package dynamodb

import "postern/internal/local/wire"

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"GetItem":    {Permissions: s.mayGet, Do: wire.JSON(s.getItem)},
		"Query":      {Permissions: s.mayRead, Do: wire.JSON(s.query)},
		"Scan":       {Permissions: s.mayRead, Do: wire.JSON(s.scan)},
		"PutItem":    {Write: true, Permissions: s.mayPut, Do: wire.JSON(s.putItem)},
		"UpdateItem": {Write: true, Permissions: s.mayUpdate, Do: wire.JSON(s.updateItem)},
	}
}
