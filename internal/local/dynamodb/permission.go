package dynamodb

import (
	"encoding/base64"
	"maps"
	"slices"

	"postern/internal/local/wire"
)

// asked is what a call needs permission for. What a request leaves unclear is left out: it is refused when it is carried out.
type asked struct {
	table, index string
	hash         *Value          // of the item, or of the query
	attributes   map[string]bool // top-level attributes that the request names
	selects      string          // of reads
	returns      string          // of writes
}

// permission is the permission of the call's action on the table, or on the index when one is read.
func (s *Service) permission(call *wire.Call, a asked) []wire.Permission {
	resource := s.arn(tableName(a.table))
	if a.index != "" {
		resource += "/index/" + a.index
	}
	keys := map[string][]string{}
	if a.hash != nil {
		text := a.hash.Text
		if a.hash.Kind == Binary {
			text = base64.StdEncoding.EncodeToString([]byte(text))
		}
		keys["dynamodb:leadingkeys"] = []string{text}
	}
	if len(a.attributes) > 0 {
		keys["dynamodb:attributes"] = slices.Sorted(maps.Keys(a.attributes))
	}
	if a.selects != "" {
		keys["dynamodb:select"] = []string{a.selects}
	}
	if a.returns != "" {
		keys["dynamodb:returnvalues"] = []string{a.returns}
	}
	return []wire.Permission{{Action: "dynamodb:" + call.Operation, Resource: resource, Context: keys}}
}

// named is the attributes of a key or an item, besides those in expressions.
func named(s *scope, item Item) map[string]bool {
	names := maps.Clone(s.attributes)
	for name := range item {
		names[name] = true
	}
	return names
}

// hashOf is the hash key's value in a key or an item, or nil.
func (s *Service) hashOf(table string, item Item) *Value {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(table)]
	if t == nil {
		return nil
	}
	value, has := item[t.Key.Hash.Name]
	if !has {
		return nil
	}
	return &value
}

func (s *Service) mayGet(call *wire.Call) []wire.Permission {
	var in getItemInput
	_ = wire.DecodeJSON(call, &in)
	_, scope, _ := in.parse()
	selects := "ALL_ATTRIBUTES"
	if in.ProjectionExpression != nil {
		selects = "SPECIFIC_ATTRIBUTES"
	}
	return s.permission(call, asked{
		table: in.TableName, hash: s.hashOf(in.TableName, in.Key), attributes: named(scope, in.Key), selects: selects,
	})
}

func (s *Service) mayPut(call *wire.Call) []wire.Permission {
	var in putItemInput
	_ = wire.DecodeJSON(call, &in)
	return s.mayWrite(call, in.written, nil, in.Item)
}

func (s *Service) mayUpdate(call *wire.Call) []wire.Permission {
	var in updateItemInput
	_ = wire.DecodeJSON(call, &in)
	return s.mayWrite(call, in.written, in.UpdateExpression, in.Key)
}

func (s *Service) mayWrite(call *wire.Call, in written, updateExpression *string, item Item) []wire.Permission {
	p, _ := in.parse(updateExpression)
	returns := in.ReturnValues
	if returns == "" {
		returns = "NONE"
	}
	return s.permission(call, asked{
		table: in.TableName, hash: s.hashOf(in.TableName, item), attributes: named(p.scope, item), returns: returns,
	})
}

func (s *Service) mayRead(call *wire.Call) []wire.Permission {
	var in readInput
	_ = wire.DecodeJSON(call, &in)
	r, _ := in.parse(call.Operation == "Query")
	a := asked{table: in.TableName, index: in.IndexName, attributes: r.scope.attributes, selects: in.effective()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[tableName(in.TableName)]; t != nil && r.keys != nil {
		if v, err := in.view(t); err == nil {
			if hash, found := r.keys.hash(v.index.Key); found {
				a.hash = &hash
			}
		}
	}
	return s.permission(call, a)
}
