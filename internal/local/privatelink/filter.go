package privatelink

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type buffer = bytes.Buffer

func hasPrefix(form url.Values, prefix string) bool {
	for name := range form {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// filter is one Filter of a Describe call: the thing has one of the values. A value may hold the wildcards * and ?.
type filter struct {
	name     string
	values   []string
	exact    map[string]bool  // the values without a wildcard
	patterns []*regexp.Regexp // of the others
}

func filters(form url.Values) []filter {
	var all []filter
	members(form, "Filter", func(prefix string) {
		f := filter{name: form.Get(prefix + ".Name"), values: list(form, prefix+".Value"), exact: map[string]bool{}}
		for _, value := range f.values {
			if !strings.ContainsAny(value, `*?`) {
				f.exact[value] = true
				continue
			}
			expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(value))
			f.patterns = append(f.patterns, regexp.MustCompile("^(?s:"+expression+")$"))
		}
		all = append(all, f)
	})
	return all
}

// attributes are what a thing can be filtered by. Tags come in by themselves.
type attributes map[string][]string

// selected returns the things that have one of the ids, where ids are given, and pass all filters. AWS: an unknown filter is an
// error, an unknown id is another; notFound makes it.
func selected[T any](form url.Values, things []*T, ids []string, notFound func(id string) error,
	describe func(*T) (id string, tags map[string]string, more attributes)) ([]*T, error) {
	var found []*T
	known := map[string]bool{}
	conditions := filters(form)
	if err := checkLimits(conditions); err != nil {
		return nil, err
	}
	for _, thing := range things {
		id, tags, more := describe(thing)
		known[id] = true
		if len(ids) > 0 && !slices.Contains(ids, id) {
			continue
		}
		passes, err := passesAll(conditions, tags, more)
		if err != nil {
			return nil, err
		}
		if passes {
			found = append(found, thing)
		}
	}
	for _, id := range ids {
		if !known[id] {
			return nil, notFound(id)
		}
	}
	return found, nil
}

// checkLimits are AWS's limits of one call.
func checkLimits(conditions []filter) error {
	const maxFilters, maxValues = 50, 200
	if len(conditions) > maxFilters {
		return fault("FilterLimitExceeded", "The maximum number of filters specified on a single call is %d", maxFilters)
	}
	for _, condition := range conditions {
		if len(condition.values) > maxValues {
			return fault("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxValues)
		}
	}
	return nil
}

func passesAll(conditions []filter, tags map[string]string, more attributes) (bool, error) {
	passes := true
	for _, condition := range conditions {
		values, known := more[condition.name]
		switch key, isTag := strings.CutPrefix(condition.name, "tag:"); {
		case isTag:
			if value, has := tags[key]; has {
				values = []string{value}
			}
		case condition.name == "tag-key":
			for key := range tags {
				values = append(values, key)
			}
		case !known:
			return false, fault("InvalidParameterValue", "The filter '%s' is invalid", condition.name)
		}
		passes = passes && condition.matches(values)
	}
	return passes, nil
}

func (f filter) matches(values []string) bool {
	return slices.ContainsFunc(values, func(value string) bool { return f.exact[value] }) ||
		slices.ContainsFunc(f.patterns, func(pattern *regexp.Regexp) bool { return slices.ContainsFunc(values, pattern.MatchString) })
}

// page cuts out one answer's worth of things. NextToken is opaque to callers.
func page[T any](form url.Values, things []T, size, least int) (items []T, next string, err error) {
	if raw := form.Get("MaxResults"); raw != "" {
		asked, err := strconv.Atoi(raw)
		if err != nil || asked < least {
			return nil, "", fault("InvalidParameterValue", "Value ( %s ) for parameter maxResults is invalid. Expecting a value greater "+
				"than %d.", raw, least)
		}
		size = min(size, asked)
	}
	start := 0
	if token := form.Get("NextToken"); token != "" {
		raw, _ := base64.URLEncoding.DecodeString(token)
		offset, isOffset := strings.CutPrefix(string(raw), "from ")
		if start, err = strconv.Atoi(offset); err != nil || !isOffset || start > len(things) {
			return nil, "", fault("InvalidNextToken", "The token '%s' is invalid", token)
		}
	}
	end := min(start+size, len(things))
	if end < len(things) {
		next = base64.URLEncoding.EncodeToString([]byte("from " + strconv.Itoa(end)))
	}
	return things[start:end], next, nil
}
