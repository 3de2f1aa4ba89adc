package states

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"
)

// intrinsics are the intrinsic functions by name. It is filled by init, since parseCall looks names up here.
var intrinsics map[string]intrinsic

func init() {
	intrinsics = map[string]intrinsic{
		"States.Format":         {1, -1, format},
		"States.StringToJson":   {1, 1, onText(func(t string) (any, error) { return decode([]byte(t)) })},
		"States.JsonToString":   {1, 1, func(_ scope, a []any) (any, error) { return string(encode(a[0])), nil }},
		"States.Array":          {0, -1, func(_ scope, a []any) (any, error) { return a, nil }},
		"States.ArrayPartition": {2, 2, partition},
		"States.ArrayContains":  {2, 2, contains},
		"States.ArrayRange":     {3, 3, arrayRange},
		"States.ArrayGetItem":   {2, 2, item},
		"States.ArrayLength":    {1, 1, length},
		"States.ArrayUnique":    {1, 1, unique},
		"States.Base64Encode":   {1, 1, onText(encode64)},
		"States.Base64Decode":   {1, 1, onText(decode64)},
		"States.Hash":           {2, 2, digest},
		"States.JsonMerge":      {3, 3, merge},
		"States.MathRandom":     {2, 3, random},
		"States.MathAdd":        {2, 2, add},
		"States.StringSplit":    {2, 2, split},
		"States.UUID":           {0, 0, uuid},
	}
}

var (
	errNoText  = errors.New("a text is expected")
	errNoList  = errors.New("a list is expected")
	errNoWhole = errors.New("a whole number is expected")
)

// maxText is AWS's limit on what Hash, Base64Encode and Base64Decode take, in characters.
const maxText = 10_000

func onText(do func(string) (any, error)) func(scope, []any) (any, error) {
	return func(_ scope, a []any) (any, error) {
		text, ok := a[0].(string)
		if !ok {
			return nil, errNoText
		}
		return do(text)
	}
}

// format fills the placeholders of a template, which is []string when it was written in the definition.
func format(_ scope, a []any) (any, error) {
	parts, ok := a[0].([]string)
	if !ok {
		template, isText := a[0].(string)
		if !isText {
			return nil, errNoText
		}
		parts = strings.Split(template, "{}")
	}
	if len(parts) != len(a) {
		return nil, fmt.Errorf("%d arguments for %d placeholders", len(a)-1, len(parts)-1)
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, value := range a[1:] {
		switch value := value.(type) {
		case string:
			b.WriteString(value)
		case map[string]any, []any:
			return nil, errors.New("objects and lists have no text: use States.JsonToString")
		default:
			b.WriteString(numeral(value))
		}
		b.WriteString(parts[i+1])
	}
	return b.String(), nil
}

func partition(_ scope, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errNoList
	}
	size, ok := whole(a[1])
	if !ok || size < 1 {
		return nil, errNoWhole
	}
	parts := []any{}
	for chunk := range slices.Chunk(list, int(min(size, math.MaxInt32))) {
		parts = append(parts, slices.Clone(chunk))
	}
	return parts, nil
}

func contains(_ scope, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errNoList
	}
	return slices.ContainsFunc(list, func(item any) bool { return equal(item, a[1]) }), nil
}

// arrayRange counts from the first to the last argument, that one included. AWS: at most 1000 items.
func arrayRange(_ scope, a []any) (any, error) {
	var numbers [3]int64
	for i := range numbers {
		n, ok := number(a[i])
		if !ok {
			return nil, errNoWhole
		}
		numbers[i] = int64(math.Round(n)) // AWS rounds
	}
	first, last, step := numbers[0], numbers[1], numbers[2]
	if step == 0 {
		return nil, errors.New("a step of 0")
	}
	list := []any{}
	for n := first; (step > 0 && n <= last) || (step < 0 && n >= last); n += step {
		if list = append(list, n); len(list) > 1000 {
			return nil, errors.New("more than 1000 items")
		}
	}
	return list, nil
}

func item(_ scope, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errNoList
	}
	i, ok := whole(a[1])
	if !ok || i < 0 || i >= int64(len(list)) {
		return nil, fmt.Errorf("there is no item %v in %d", a[1], len(list))
	}
	return list[i], nil
}

func length(_ scope, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errNoList
	}
	return int64(len(list)), nil
}

func unique(_ scope, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errNoList
	}
	kept := []any{}
	for _, candidate := range list {
		if !slices.ContainsFunc(kept, func(one any) bool { return equal(one, candidate) }) {
			kept = append(kept, candidate)
		}
	}
	return kept, nil
}

func encode64(text string) (any, error) {
	if utf8.RuneCountInString(text) > maxText {
		return nil, fmt.Errorf("more than %d characters", maxText)
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

func decode64(text string) (any, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("more than %d characters", maxText)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	return string(raw), err
}

func digest(_ scope, a []any) (any, error) {
	algorithms := map[string]func() hash.Hash{
		"MD5": md5.New, "SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
	}
	name, _ := a[1].(string)
	algorithm, known := algorithms[name]
	if !known {
		return nil, fmt.Errorf("there is no algorithm %v", a[1])
	}
	text, isText := a[0].(string)
	if !isText {
		text = string(encode(a[0]))
	}
	if utf8.RuneCountInString(text) > maxText {
		return nil, fmt.Errorf("more than %d characters", maxText)
	}
	h := algorithm()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// merge merges two objects, the second winning. AWS: shallowly only, so the third argument is false.
func merge(_ scope, a []any) (any, error) {
	first, ok1 := a[0].(map[string]any)
	second, ok2 := a[1].(map[string]any)
	if !ok1 || !ok2 || a[2] != false {
		return nil, errors.New("two objects and false are expected")
	}
	merged := maps.Clone(first)
	maps.Copy(merged, second)
	return merged, nil
}

// random draws from the first argument up to, not including, the second. With a seed the same number is drawn each time.
func random(s scope, a []any) (any, error) {
	var numbers []int64
	for _, value := range a {
		n, ok := number(value)
		if !ok {
			return nil, errNoWhole
		}
		numbers = append(numbers, int64(math.Round(n)))
	}
	if numbers[0] >= numbers[1] {
		return nil, errors.New("the end is not after the start")
	}
	chance := s.chance
	if len(numbers) == 3 {
		chance = rand.New(rand.NewPCG(uint64(numbers[2]), 0))
	}
	return numbers[0] + chance.Int64N(numbers[1]-numbers[0]), nil
}

// add adds two numbers. AWS rounds them to whole ones before.
func add(_ scope, a []any) (any, error) {
	x, ok1 := number(a[0])
	y, ok2 := number(a[1])
	if !ok1 || !ok2 {
		return nil, errors.New("two numbers are expected")
	}
	return int64(math.Round(x)) + int64(math.Round(y)), nil
}

// split splits at each of the delimiter's characters and drops empty parts, as AWS does.
func split(_ scope, a []any) (any, error) {
	text, ok1 := a[0].(string)
	delimiters, ok2 := a[1].(string)
	if !ok1 || !ok2 {
		return nil, errNoText
	}
	parts := []any{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}

// uuid is a version 4 UUID from the execution's chance.
func uuid(s scope, _ []any) (any, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.chance.Uint64())
	binary.BigEndian.PutUint64(b[8:], s.chance.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
