package dynamodb

import (
	"maps"
	"slices"

	"postern/internal/local/wire"
)

// Operations are the operations known here.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"DescribeTable": {Permissions: s.mayDescribe, Do: wire.JSON(s.describeTable)},
		"GetItem":       {Permissions: s.mayGet, Do: wire.JSON(s.getItem)},
		"Query":         {Permissions: s.mayRead, Do: wire.JSON(s.query)},
		"Scan":          {Permissions: s.mayRead, Do: wire.JSON(s.scan)},
		"PutItem":       {Write: true, Permissions: s.mayPut, Do: wire.JSON(s.putItem)},
		"UpdateItem":    {Write: true, Permissions: s.mayUpdate, Do: wire.JSON(s.updateItem)},
		"DeleteItem":    {Write: true, Permissions: s.mayDelete, Do: wire.JSON(s.deleteItem)},
	}
}

type describeTableInput struct{ TableName string }

type describeTableOutput struct{ Table description }

type description struct {
	TableName, TableArn, TableStatus string
	ItemCount                        int
	KeySchema                        []keyElement
	AttributeDefinitions             []attributeDefinition
	GlobalSecondaryIndexes           []indexDescription `json:",omitempty"`
}

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct {
	AttributeName string
	AttributeType Kind
}

type indexDescription struct {
	IndexName, IndexArn, IndexStatus string
	KeySchema                        []keyElement
	Projection                       projection
}

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

func (s *Service) describeTable(_ *wire.Call, in describeTableInput) (describeTableOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return describeTableOutput{}, err
	}
	d := description{
		TableName: t.Name, TableArn: t.arn, TableStatus: "ACTIVE", ItemCount: len(t.base.sorted(nil)), KeySchema: t.Key.schema(),
	}
	kinds := map[string]Kind{}
	for _, a := range t.Key.attributes() {
		kinds[a.Name] = a.Kind
	}
	for _, v := range t.indexes {
		for _, a := range v.index.Key.attributes() {
			kinds[a.Name] = a.Kind
		}
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, indexDescription{
			IndexName: v.index.Name, IndexArn: t.arn + "/index/" + v.index.Name, IndexStatus: "ACTIVE", KeySchema: v.index.Key.schema(),
			Projection: projection{v.index.Projection, v.index.Include},
		})
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{name, kinds[name]})
	}
	return describeTableOutput{d}, nil
}

func (k Key) schema() []keyElement {
	schema := []keyElement{{k.Hash.Name, "HASH"}}
	if k.Range != nil {
		schema = append(schema, keyElement{k.Range.Name, "RANGE"})
	}
	return schema
}
