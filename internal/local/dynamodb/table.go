package dynamodb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Table is a table as a template makes it.
type Table struct {
	Name    string
	Key     Key
	Indexes []Index
}

// Key is a primary key or the key of an index.
type Key struct {
	Hash  Attribute
	Range *Attribute // nil for none
}

// Attribute is a key attribute; its kind is S, N or B.
type Attribute struct {
	Name string
	Kind Kind
}

// Index is a global secondary index. It holds the items that have all of its key attributes.
type Index struct {
	Name       string
	Key        Key
	Projection string   // ALL, KEYS_ONLY or INCLUDE
	Include    []string // of INCLUDE
}

// table is a table and its items.
type table struct {
	Table
	arn     string
	base    *view
	replica *view // what is read without ConsistentRead
	indexes []*view
	writes  int
}

// view is the items of a table as one way to read them shows them.
type view struct {
	index Index // of a secondary index, else only its key is set
	table Key
	rows  map[string]row // by the table's key
}

// row is an item, nil once deleted, as a write left it.
type row struct {
	key   string
	item  Item
	write int
}

func newTable(t Table) (*table, error) {
	if t.Name == "" {
		return nil, errors.New("it has no name")
	}
	if err := t.Key.check(); err != nil {
		return nil, err
	}
	made := &table{Table: t, base: newView(Index{Key: t.Key}, t.Key), replica: newView(Index{Key: t.Key}, t.Key)}
	for _, index := range t.Indexes {
		if err := index.Key.check(); err != nil {
			return nil, fmt.Errorf("index %s: %w", index.Name, err)
		}
		if made.index(index.Name) != nil || index.Name == "" {
			return nil, fmt.Errorf("index %q is there twice, or has no name", index.Name)
		}
		known := slices.Contains([]string{"ALL", "KEYS_ONLY", "INCLUDE"}, index.Projection)
		if !known || (index.Projection == "INCLUDE") != (len(index.Include) > 0) {
			return nil, fmt.Errorf("index %s: a projection %q of %d attributes cannot be", index.Name, index.Projection,
				len(index.Include))
		}
		made.indexes = append(made.indexes, newView(index, t.Key))
	}
	return made, nil
}

func newView(index Index, table Key) *view {
	return &view{index: index, table: table, rows: map[string]row{}}
}

func (k Key) check() error {
	for _, a := range k.attributes() {
		if a.Name == "" || !slices.Contains([]Kind{String, Number, Binary}, a.Kind) {
			return fmt.Errorf("the key attribute %q cannot be of type %q", a.Name, a.Kind)
		}
	}
	return nil
}

func (k Key) attributes() []Attribute {
	if k.Range == nil {
		return []Attribute{k.Hash}
	}
	return []Attribute{k.Hash, *k.Range}
}

// has reports whether an attribute is part of the key.
func (k Key) has(name string) bool {
	return slices.ContainsFunc(k.attributes(), func(a Attribute) bool { return a.Name == name })
}

// of returns the key of an item as text, which is unique.
func (k Key) of(item Item) string {
	var parts []string
	for _, a := range k.attributes() {
		text := item[a.Name].Text
		parts = append(parts, fmt.Sprintf("%d:%s", len(text), text))
	}
	return strings.Join(parts, "")
}

// pick returns the key attributes of an item.
func (k Key) pick(item Item) Item {
	picked := Item{}
	for _, a := range k.attributes() {
		if v, has := item[a.Name]; has {
			picked[a.Name] = v
		}
	}
	return picked
}

// index finds a secondary index, or nil.
func (t *table) index(name string) *view {
	for _, v := range t.indexes {
		if v.index.Name == name {
			return v
		}
	}
	return nil
}

// checkKey refuses what is not exactly a key of the table.
func (t *table) checkKey(key Item) error {
	if len(key) != len(t.Key.attributes()) {
		return errSchema
	}
	for _, a := range t.Key.attributes() {
		if v, has := key[a.Name]; !has || v.Kind != a.Kind {
			return errSchema
		}
	}
	return t.checkKeyValues(key)
}

var errSchema = invalid("The provided key element does not match the schema")

// The largest key attributes, in bytes.
const (
	maxHash  = 2048
	maxRange = 1024
)

// checkKeyValues applies the limits of the table's key attributes.
func (t *table) checkKeyValues(item Item) error {
	for i, a := range t.Key.attributes() {
		v := item[a.Name]
		switch {
		case v.Text == "":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "+
				"empty %s value. Key: %s", strings.ToLower(typeNames[a.Kind]), a.Name)
		case len(v.Text) > []int{maxHash, maxRange}[i]:
			return invalid("One or more parameter values were invalid: Size of %skey has exceeded the maximum size limit of %d bytes",
				[]string{"hash", "range"}[i], []int{maxHash, maxRange}[i])
		}
	}
	return nil
}

// checkItem applies the rules of the keys to a whole item: the table's must be there, those of indexes may be missing.
func (t *table) checkItem(item Item) error {
	for _, a := range t.Key.attributes() {
		v, has := item[a.Name]
		if !has {
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", a.Name)
		}
		if v.Kind != a.Kind {
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
				a.Name, a.Kind, v.Kind)
		}
	}
	if err := t.checkKeyValues(item); err != nil {
		return err
	}
	for _, v := range t.indexes {
		if err := v.index.check(item); err != nil {
			return err
		}
	}
	return nil
}

// check refuses an item whose attributes cannot be keys of the index.
func (i Index) check(item Item) error {
	for _, a := range i.Key.attributes() {
		v, has := item[a.Name]
		if has && v.Kind != a.Kind {
			return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s "+
				"IndexName: %s", a.Name, a.Kind, v.Kind, i.Name)
		}
		if has && v.Text == "" {
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
				strings.ToLower(typeNames[a.Kind]), i.Name, a.Name)
		}
	}
	return nil
}

// put takes an item from a write. A write that comes after a later one changes nothing.
func (v *view) put(key string, item Item, write int) {
	if v.rows[key].write > write {
		return
	}
	v.rows[key] = row{key: key, item: v.projected(item), write: write}
}

// get returns an item, nil for none.
func (v *view) get(key string) Item { return v.rows[key].item }

// projected is what the view keeps of an item: nothing when it lacks a key attribute of the index.
func (v *view) projected(item Item) Item {
	if len(v.index.Key.pick(item)) != len(v.index.Key.attributes()) {
		return nil
	}
	kept := Item{}
	for name, value := range item {
		if v.carries(name) {
			kept[name] = value
		}
	}
	return kept
}

// carries reports whether items of the view can have an attribute.
func (v *view) carries(name string) bool {
	return v.index.Name == "" || v.index.Projection == "ALL" || v.index.Key.has(name) || v.table.has(name) ||
		slices.Contains(v.index.Include, name)
}

// sorted returns the rows that keep wants, nil for all, by the range key of the view, then by the table's key.
func (v *view) sorted(keep func(Item) bool) []row {
	var rows []row
	for _, r := range v.rows {
		if r.item != nil && (keep == nil || keep(r.item)) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, v.compare)
	return rows
}

func (v *view) compare(a, b row) int {
	order := 0
	if r := v.index.Key.Range; r != nil {
		order, _ = a.item[r.Name].compare(b.item[r.Name])
	}
	return cmp.Or(order, cmp.Compare(a.key, b.key))
}
