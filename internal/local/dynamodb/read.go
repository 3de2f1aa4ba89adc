package dynamodb

import (
	"slices"

	"postern/internal/local/wire"
)

type getItemInput struct {
	TableName                string
	Key                      Item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type getItemOutput struct {
	Item Item `json:",omitzero"` // an item without the wanted attributes is there, and empty
}

// parse reads the projection, nil for none.
func (in getItemInput) parse() ([]path, *scope, error) {
	s := newScope(in.ExpressionAttributeNames, nil)
	var paths []path
	if in.ProjectionExpression != nil {
		var err error
		if paths, err = parseProjection(*in.ProjectionExpression, s); err != nil {
			return nil, s, err
		}
	}
	return paths, s, s.check(in.ProjectionExpression != nil)
}

func (s *Service) getItem(_ *wire.Call, in getItemInput) (getItemOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return getItemOutput{}, err
	}
	paths, _, err := in.parse()
	if err != nil {
		return getItemOutput{}, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return getItemOutput{}, err
	}
	from := t.replica
	if in.ConsistentRead {
		from = t.base
	}
	item := from.get(t.Key.of(in.Key))
	if item != nil && paths != nil {
		item = project(item, paths)
	}
	return getItemOutput{item}, nil
}

// readInput is a Query or a Scan.
type readInput struct {
	TableName                 string
	IndexName                 string
	KeyConditionExpression    *string // of a Query
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]Value
	ConsistentRead            bool
	ScanIndexForward          *bool
	Limit                     *int
	ExclusiveStartKey         Item
	Select                    string
}

type readOutput struct {
	Items            []Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item `json:",omitempty"`
}

// reading is a Query or a Scan whose expressions are read.
type reading struct {
	scope      *scope
	keys       *keyCondition // nil for a Scan
	filter     condition     // nil for none
	projection []path        // nil for none
}

func (in readInput) parse(isQuery bool) (reading, error) {
	r := reading{scope: newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues)}
	var err error
	if isQuery {
		if in.KeyConditionExpression == nil {
			return r, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
		}
		if r.keys, err = parseKeyCondition(*in.KeyConditionExpression, r.scope); err != nil {
			return r, err
		}
	} else if in.KeyConditionExpression != nil || in.ScanIndexForward != nil {
		return r, invalid("a Scan has neither KeyConditionExpression nor ScanIndexForward")
	}
	keyed := len(r.scope.attributes)
	if in.FilterExpression != nil {
		if r.filter, err = parseCondition("FilterExpression", *in.FilterExpression, r.scope); err != nil {
			return r, err
		}
	}
	if in.ProjectionExpression != nil {
		if r.projection, err = parseProjection(*in.ProjectionExpression, r.scope); err != nil {
			return r, err
		}
	}
	return r, r.scope.check(keyed > 0 || in.FilterExpression != nil || in.ProjectionExpression != nil)
}

func (s *Service) query(_ *wire.Call, in readInput) (readOutput, error) { return s.read(in, true) }
func (s *Service) scan(_ *wire.Call, in readInput) (readOutput, error)  { return s.read(in, false) }

func (s *Service) read(in readInput, isQuery bool) (readOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return readOutput{}, err
	}
	r, err := in.parse(isQuery)
	if err != nil {
		return readOutput{}, err
	}
	v, err := in.view(t)
	if err != nil {
		return readOutput{}, err
	}
	if err := in.check(v, r); err != nil {
		return readOutput{}, err
	}
	keep := func(Item) bool { return true }
	if isQuery {
		if keep, err = r.keys.of(v.index.Key); err != nil {
			return readOutput{}, err
		}
		if err := filterKeys(in, v); err != nil {
			return readOutput{}, err
		}
	}
	rows := v.sorted(keep)
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		slices.Reverse(rows)
	}
	rows, err = in.after(v, rows)
	if err != nil {
		return readOutput{}, err
	}
	return in.page(v, rows, r), nil
}

// view is what the request reads.
func (in readInput) view(t *table) (*view, error) {
	switch {
	case in.IndexName == "" && in.ConsistentRead:
		return t.base, nil
	case in.IndexName == "":
		return t.replica, nil
	}
	v := t.index(in.IndexName)
	if v == nil {
		return nil, invalid("The table does not have the specified index: %s", in.IndexName)
	}
	if in.ConsistentRead {
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	return v, nil
}

// effective is the Select that a request means when it has none.
func (in readInput) effective() string {
	switch {
	case in.Select != "":
		return in.Select
	case in.ProjectionExpression != nil:
		return "SPECIFIC_ATTRIBUTES"
	case in.IndexName != "":
		return "ALL_PROJECTED_ATTRIBUTES"
	}
	return "ALL_ATTRIBUTES"
}

func (in readInput) check(v *view, r reading) error {
	selected := in.effective()
	switch {
	case in.Limit != nil && *in.Limit < 1:
		return invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value "+
			"greater than or equal to 1", *in.Limit)
	case !slices.Contains([]string{"ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"}, selected):
		return invalid("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint", selected)
	case (selected == "SPECIFIC_ATTRIBUTES") != (in.ProjectionExpression != nil):
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", selected)
	case selected == "ALL_PROJECTED_ATTRIBUTES" && in.IndexName == "":
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case selected == "ALL_ATTRIBUTES" && in.IndexName != "" && v.index.Projection != "ALL":
		return invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "+
			"index %s because its projection type is not ALL", in.IndexName)
	}
	for _, p := range r.projection {
		if !v.carries(p[0].name) {
			return invalid("One or more parameter values were invalid: Global secondary index %s does not project [%s]",
				in.IndexName, p[0].name)
		}
	}
	return nil
}

// filterKeys refuses a filter on the key of what is queried.
func filterKeys(in readInput, v *view) error {
	if in.FilterExpression == nil {
		return nil
	}
	s := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if _, err := parseCondition("FilterExpression", *in.FilterExpression, s); err != nil {
		return err
	}
	for _, a := range v.index.Key.attributes() {
		if s.attributes[a.Name] {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", a.Name)
		}
	}
	return nil
}

// after drops the rows up to where the page before ended.
func (in readInput) after(v *view, rows []row) ([]row, error) {
	if in.ExclusiveStartKey == nil {
		return rows, nil
	}
	for _, a := range slices.Concat(v.table.attributes(), v.index.Key.attributes()) {
		if in.ExclusiveStartKey[a.Name].Kind != a.Kind {
			return nil, invalid("The provided starting key is invalid")
		}
	}
	last := row{key: v.table.of(in.ExclusiveStartKey), item: in.ExclusiveStartKey}
	backwards := in.ScanIndexForward != nil && !*in.ScanIndexForward
	start := slices.IndexFunc(rows, func(r row) bool {
		order := v.compare(r, last)
		return order > 0 && !backwards || order < 0 && backwards
	})
	if start < 0 {
		return nil, nil
	}
	return rows[start:], nil
}

// maxPage is the most that one page reads, in bytes, before the filter. AWS: 1 MB.
const maxPage = 1 << 20

// page reads rows up to a limit. As on AWS, a page that ends at its limit has a LastEvaluatedKey even when nothing follows.
func (in readInput) page(v *view, rows []row, r reading) readOutput {
	var out readOutput
	size := 0
	for _, row := range rows {
		out.ScannedCount++
		size += row.item.size()
		if r.filter == nil || r.filter.holds(row.item) {
			out.Count++
			out.Items = append(out.Items, in.selected(row.item, r))
		}
		if in.Limit != nil && out.ScannedCount == *in.Limit || size >= maxPage {
			out.LastEvaluatedKey = v.table.pick(row.item)
			for name, value := range v.index.Key.pick(row.item) {
				out.LastEvaluatedKey[name] = value
			}
			break
		}
	}
	if in.Select == "COUNT" {
		out.Items = nil
	}
	return out
}

func (in readInput) selected(item Item, r reading) Item {
	if r.projection == nil {
		return item
	}
	return project(item, r.projection)
}
