package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

const (
	configName = "/postern/monte-carlo/prod/config.yaml"
	urlName    = "/postern/monte-carlo/prod/url"
	document   = "# agent\ncontainer:\n  image: x  # pinned\n  backendServiceUrl: https://old\n"
)

var tags = connection.Tags("monte-carlo/prod", "arn:exec:1")

func outputs() []connection.Output {
	return []connection.Output{
		{Key: "config.yaml", Parameter: configName, Format: connection.FormatYAML, YAMLPath: path, Value: url},
		{Key: "url", Parameter: urlName, Format: connection.FormatText, Value: url},
	}
}

func sum(value string) string {
	digest := sha256.Sum256([]byte(value))
	return hex.EncodeToString(digest[:])
}

func TestPublish(t *testing.T) {
	t.Parallel()
	fresh := "container:\n  backendServiceUrl: " + url + "\n"
	spliced := strings.Replace(document, "https://old", url, 1)
	for name, test := range map[string]struct {
		before map[string]string
		want   []connection.Parameter
		puts   int
	}{
		"nothing there": {nil, []connection.Parameter{
			{Name: configName, Version: 1, Changed: true, SHA256: sum(fresh)}, {Name: urlName, Version: 1, Changed: true,
				SHA256: sum(url)},
		}, 2},
		"both to change": {map[string]string{configName: document, urlName: "https://old"}, []connection.Parameter{
			{Name: configName, Version: 2, PreviousVersion: 1, Changed: true, SHA256: sum(spliced)},
			{Name: urlName, Version: 2, PreviousVersion: 1, Changed: true, SHA256: sum(url)},
		}, 2},
		"one to change": {map[string]string{configName: spliced}, []connection.Parameter{
			{Name: configName, Version: 1, SHA256: sum(spliced)}, {Name: urlName, Version: 1, Changed: true, SHA256: sum(url)},
		}, 1},
		"all as it should be": {map[string]string{configName: fresh, urlName: url}, []connection.Parameter{
			{Name: configName, Version: 1, SHA256: sum(fresh)}, {Name: urlName, Version: 1, SHA256: sum(url)},
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(test.before)
			got, err := New(fake).Publish(t.Context(), outputs(), tags)
			if err != nil || fake.puts() != test.puts || fake.puts()+len(fake.reads()) != len(fake.calls) {
				t.Errorf("%v, calls %v", err, fake.calls)
			}
			if diff := cmp.Diff(test.want, got.Parameters); diff != "" {
				t.Error(diff)
			}
			for _, parameter := range got.Parameters {
				if sum(fake.value(parameter.Name)) != parameter.SHA256 {
					t.Errorf("%s holds %q", parameter.Name, fake.value(parameter.Name))
				}
				if created := parameter.Changed && parameter.PreviousVersion == 0; created != cmp.Equal(fake.tags[parameter.Name], tags) {
					t.Errorf("tags of %s: %v", parameter.Name, fake.tags[parameter.Name])
				}
			}
			again, err := New(fake).Publish(t.Context(), outputs(), tags)
			if err != nil || fake.puts() != test.puts || again.Parameters == nil {
				t.Errorf("a second run: %v, calls %v", err, fake.calls)
			}
		})
	}
}

// One output that is refused keeps all of them from being written, and the error names every one that is.
func TestPublishRefusesBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before map[string]string
		kinds  map[string]types.ParameterType
		value  string
		says   []string
	}{
		"no YAML": {map[string]string{configName: "- a\n"}, nil, url, []string{configName, "not a YAML mapping"}},
		"SecureString": {map[string]string{urlName: "x"}, map[string]types.ParameterType{urlName: "SecureString"}, url,
			[]string{urlName, "SecureString"}},
		"StringList": {map[string]string{urlName: "x"}, map[string]types.ParameterType{urlName: "StringList"}, url,
			[]string{"StringList"}},
		"too large": {map[string]string{configName: "# " + strings.Repeat("x", 4090) + "\n"}, nil, url, []string{"4096",
			"standard tier"}},
		"a reference": {map[string]string{configName: "a: '{{ssm:x}}'\n"}, nil, url, []string{"{{"}},
		"empty":       {nil, nil, "", []string{urlName, "empty"}},
		"two at once": {map[string]string{configName: "- a\n"}, nil, "", []string{configName, urlName}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(test.before)
			fake.kinds = test.kinds
			all := outputs()
			all[1].Value = test.value
			_, err := New(fake).Publish(t.Context(), all, tags)
			if connection.NameOf(err) != connection.ConfigRefused || fake.puts() != 0 {
				t.Errorf("%v, calls %v", err, fake.calls)
			}
			for _, want := range test.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		})
	}
}

// Whatever AWS would refuse the next version for is found before the vendor is asked, and before anything is written.
func TestPublishKnowsWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	long := document + "# " + strings.Repeat("x", 5000) + "\n"
	many := slices.Repeat([]version{{value: document}}, 100)
	for name, test := range map[string]struct {
		versions []version
		rules    fakeRules
		says     string // "": it is written
	}{
		"5 KB in the advanced tier":             {[]version{{value: long}}, fakeRules{Tier: types.ParameterTierAdvanced}, ""},
		"beyond 8 KB with our change":           {[]version{{value: document + "# " + strings.Repeat("x", 8192-len(document)-2)}}, fakeRules{Tier: types.ParameterTierAdvanced}, "the advanced tier takes 8192; shorten"},
		"beyond 4 KB with our change":           {[]version{{value: document + "# " + strings.Repeat("x", 4096-len(document)-2)}}, fakeRules{Tier: types.ParameterTierStandard}, "put it into the advanced tier"},
		"beyond 4 KB with our change, advanced": {[]version{{value: document + "# " + strings.Repeat("x", 4096-len(document)-2)}}, fakeRules{Tier: types.ParameterTierAdvanced}, ""},
		"100 versions":                          {many, fakeRules{}, ""},
		"100 versions, a label on the oldest":   {many, fakeRules{Label: "live"}, "the oldest has the label live"},
		"99 versions, a label on the oldest":    {many[:99:99], fakeRules{Label: "live"}, ""},
		"a pattern that takes it":               {[]version{{value: document}}, fakeRules{Pattern: "^#"}, ""},
		"a pattern that does not":               {[]version{{value: document}}, fakeRules{Pattern: "^[a-z]+$"}, "allowed pattern ^[a-z]+$"},
		"a pattern that Go cannot read":         {[]version{{value: document}}, fakeRules{Pattern: "^(?!x)"}, ""},
		"a label, and nothing to write":         {append(slices.Clone(many), version{value: strings.Replace(document, "https://old", url, 1)}), fakeRules{Label: "live"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(nil)
			fake.parameters[configName], fake.rules = test.versions, map[string]fakeRules{configName: test.rules}
			before := fake.value(configName)
			read, err := New(fake).Inspect(t.Context(), []string{configName})
			if err != nil {
				t.Fatal(err)
			}
			existing := read[configName]
			checked := Check(outputs()[0], &existing)
			_, published := New(fake).Publish(t.Context(), outputs()[:1], tags)
			if test.says == "" {
				if checked != nil || published != nil || !strings.Contains(fake.value(configName), url) {
					t.Errorf("%v, %v", checked, published)
				}
				return
			}
			if checked == nil || !strings.Contains(checked.Error(), test.says) || connection.NameOf(published) != connection.ConfigRefused ||
				fake.value(configName) != before || fake.puts() > 0 {
				t.Errorf("%v, %v", checked, published)
			}
		})
	}
}

// What AWS refuses at the write all the same is named with its remedy.
func TestPublishExplainsRefusals(t *testing.T) {
	t.Parallel()
	for refusal, says := range map[string]string{"ParameterMaxVersionLimitExceeded": "move that label", "ParameterPatternMismatchException": "change the pattern",
		"HierarchyTypeMismatchException": "delete it"} {
		fake := holding(map[string]string{configName: document})
		fake.refuse = map[string][]error{"PutParameter": {code(refusal)}}
		if _, err := New(fake).Publish(t.Context(), outputs()[:1], tags); connection.NameOf(err) != connection.ConfigRefused || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", refusal, err)
		}
	}
}

func TestCheckAtTheLimit(t *testing.T) {
	t.Parallel()
	output := outputs()[1]
	for size, fits := range map[int]bool{1: true, 4096: true, 4097: false} {
		output.Value = strings.Repeat("x", size)
		if err := Check(output, nil); (err == nil) != fits {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	output.Value = strings.Repeat("ü", 2049)
	if err := Check(output, nil); err == nil {
		t.Error("4098 bytes in 2049 characters were taken")
	}
	if err := Check(outputs()[0], &Existing{Value: document, Type: "String"}); err != nil {
		t.Error(err)
	}
}

// Another person was first, or Postern itself, whose answer was lost.
func TestPublishRaces(t *testing.T) {
	t.Parallel()
	text := outputs()[1:]
	for name, test := range map[string]struct {
		before    map[string]string
		meanwhile func(*fakeSSM)
		want      connection.Parameter
		fault     string
		holds     string
	}{
		"created with our value": {
			nil, func(f *fakeSSM) { f.put(urlName, url) }, connection.Parameter{Name: urlName, Version: 1, Changed: true,
				SHA256: sum(url)}, "", url,
		},
		"created with our value, later": { // another person's: it stays when this execution fails
			nil, func(f *fakeSSM) { f.put(urlName, "theirs"); f.put(urlName, url) }, connection.Parameter{Name: urlName, Version: 2,
				SHA256: sum(url)}, "", url,
		},
		"created with another value": {
			nil, func(f *fakeSSM) { f.put(urlName, "theirs") },
			connection.Parameter{Name: urlName, Version: 2, PreviousVersion: 1, Changed: true, SHA256: sum(url)}, "", url,
		},
		"created as SecureString": {
			nil, func(f *fakeSSM) { f.put(urlName, "theirs"); f.kinds[urlName] = "SecureString" }, connection.Parameter{},
			connection.ConfigRefused, "theirs",
		},
		"updated with another value": {
			map[string]string{urlName: "old"}, func(f *fakeSSM) { f.put(urlName, "theirs") },
			connection.Parameter{Name: urlName, Version: 3, PreviousVersion: 2, Changed: true, SHA256: sum(url)}, "", url,
		},
		"updated with our value": {
			map[string]string{urlName: "old"}, func(f *fakeSSM) { f.put(urlName, url) },
			connection.Parameter{Name: urlName, Version: 3, PreviousVersion: 1, Changed: true, SHA256: sum(url)}, "", url,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(test.before)
			fake.before = func() { test.meanwhile(fake) }
			got, err := New(fake).Publish(t.Context(), text, tags)
			if connection.NameOf(err) != test.fault || (err != nil) != (test.fault != "") || fake.value(urlName) != test.holds {
				t.Errorf("%v, holds %q", err, fake.value(urlName))
			}
			if err == nil && !cmp.Equal(got.Parameters, []connection.Parameter{test.want}) {
				t.Errorf("%+v", got.Parameters)
			}
		})
	}
}

// What another person writes into a document between our read and our write is never lost, and an undo leaves it.
func TestPublishRacesInADocument(t *testing.T) {
	t.Parallel()
	const theirs = document + "theirs: 1\n"
	merged := strings.Replace(theirs, "https://old", url, 1)
	for name, test := range map[string]struct {
		meanwhile []string // versions that others write just before ours
		holds     string
		previous  int64
		fault     string
		undone    string // what is there after the undo
	}{
		"a key":                   {[]string{theirs}, merged, 2, "", theirs},
		"a key, in two versions":  {[]string{document + "first: 1\n", theirs}, merged, 3, "", theirs},
		"a key, with our value":   {[]string{merged}, merged, 2, "", merged},
		"the document as it was":  {[]string{document}, strings.Replace(document, "https://old", url, 1), 2, "", document},
		"nothing that we can set": {[]string{"- a\n"}, "- a\n", 0, connection.ConfigRefused, ""},
		"one that grew too large": {[]string{theirs + "# " + strings.Repeat("x", 4000)}, theirs + "# " + strings.Repeat("x", 4000), 0, connection.ConfigRefused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(map[string]string{configName: document})
			fake.before = func() {
				for _, value := range test.meanwhile {
					fake.put(configName, value)
				}
			}
			got, err := New(fake).Publish(t.Context(), outputs()[:1], tags)
			if connection.NameOf(err) != test.fault || (err != nil) != (test.fault != "") || fake.value(configName) != test.holds {
				t.Fatalf("%v, holds %q", err, fake.value(configName))
			}
			if test.fault != "" {
				if !strings.Contains(err.Error(), "is back, as version 4") {
					t.Errorf("%v", err)
				}
				return
			}
			if p := got.Parameters[0]; p.PreviousVersion != test.previous || !p.Changed || sum(test.holds) != p.SHA256 {
				t.Errorf("%+v", p)
			}
			if err := undoAll(t, fake, got); err != nil || fake.value(configName) != test.undone {
				t.Errorf("after the undo: %v, holds %q", err, fake.value(configName))
			}
		})
	}
}

// A try that replaced another person's version, and died before it could write both, is completed by the next try or by the rollback.
func TestPublishDiesInARace(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	const theirs = document + "theirs: 1\n"
	for _, again := range []bool{true, false} {
		fake := holding(map[string]string{configName: document})
		fake.now = since.Add(time.Minute)
		fake.before = func() { fake.put(configName, theirs) }
		fake.lose = map[string][]error{"PutParameter": {errors.New("killed")}}
		if _, err := New(fake).Publish(t.Context(), outputs()[:1], tags); err == nil {
			t.Fatal("it did not die")
		}
		config, err := New(fake).Made(t.Context(), outputs()[:1], since)
		if again {
			if config, err = New(fake).Publish(t.Context(), outputs()[:1], tags); err == nil {
				config, err = New(fake).Own(t.Context(), outputs()[:1], since, config)
			}
			if want := strings.Replace(theirs, "https://old", url, 1); err != nil || fake.value(configName) != want {
				t.Errorf("%v, holds %q", err, fake.value(configName))
			}
		}
		if err != nil || len(config.Parameters) != 1 || config.Parameters[0].PreviousVersion != 2 {
			t.Fatalf("again %v: %+v, %v", again, config, err)
		}
		if err := undoAll(t, fake, config); err != nil || fake.value(configName) != theirs {
			t.Errorf("again %v: after the undo %v, holds %q", again, err, fake.value(configName))
		}
	}
}

// What another person writes while an undo writes is never lost, and our value is gone all the same.
func TestUndoRaces(t *testing.T) {
	t.Parallel()
	with := func(text string) string { return strings.Replace(text, "https://old", url, 1) }
	for name, test := range map[string]struct {
		before, meanwhile, holds string
		fault                    string
	}{
		"a key beside ours":          {document, with(document) + "theirs: 1\n", document + "theirs: 1\n", ""},
		"without our key":            {document, document + "theirs: 1\n", document + "theirs: 1\n", ""},
		"their own value of our key": {document, strings.Replace(document, "https://old", "https://theirs", 1), strings.Replace(document, "https://old", "https://theirs", 1), connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(map[string]string{configName: test.before})
			done, err := New(fake).Publish(t.Context(), outputs()[:1], tags)
			if err != nil {
				t.Fatal(err)
			}
			fake.before = func() { fake.put(configName, test.meanwhile) }
			_, err = New(fake).Undo(t.Context(), done.Parameters[0], outputs())
			if connection.NameOf(err) != test.fault || fake.value(configName) != test.holds {
				t.Errorf("%v, holds %q, want %q", err, fake.value(configName), test.holds)
			}
		})
	}
}

// A first try counts nothing as its own that was there before it, also when others wrote it a moment ago.
func TestFirstTryOwnsNothingThatWasThere(t *testing.T) {
	t.Parallel()
	for retries, changed := range []bool{false, true} {
		now := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
		fake := holding(map[string]string{urlName: "old"})
		fake.now = now
		fake.put(urlName, url)
		plan := connection.Plan{ConnectionID: "monte-carlo/prod", Outputs: outputs()[1:]}
		config, err := Publisher{Parameters: New(fake), Registry: &onboarded{}}.Handle(t.Context(), connection.Input{
			Execution: "arn:exec:1", Retries: retries, State: connection.State{Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-1"},
				Verification: &connection.Proof{Verdict: connection.Pass, At: now.Add(-time.Minute)}},
		})
		if err != nil || len(config.Parameters) != 1 || config.Parameters[0].Changed != changed {
			t.Errorf("after %d retries: %+v, %v", retries, config, err)
		}
	}
}

func TestReadManyAndVersions(t *testing.T) {
	t.Parallel()
	fake := holding(nil)
	var names []string
	for i := range 25 {
		name := fmt.Sprintf("/p/%02d", i)
		names = append(names, name)
		if i != 7 {
			fake.put(name, "first")
			fake.put(name, "second")
		}
	}
	got, err := New(fake).Read(t.Context(), append(names, "/p/00:1"))
	if err != nil || len(got) != 25 || len(fake.calls) != 3 {
		t.Fatalf("%d parameters in %d calls, %v", len(got), len(fake.calls), err)
	}
	if got["/p/00"].Value != "second" || got["/p/00"].Version != 2 || got["/p/00:1"].Value != "first" {
		t.Errorf("%+v %+v", got["/p/00"], got["/p/00:1"])
	}
	if _, ok := got["/p/07"]; ok {
		t.Error("a parameter that does not exist was read")
	}
	denied := holding(nil)
	denied.refuse = map[string][]error{"GetParameters": {code("AccessDeniedException")}}
	if _, err := New(denied).Read(t.Context(),
		[]string{"/a"}); step.Name(err) != connection.AccessDenied || !strings.Contains(err.Error(), "/a") {
		t.Errorf("%v", err)
	}
}

// What Publish did, Undo takes back, whether Publish could say what it did or Made had to find it.
func TestUndoIsTheInverseOfPublish(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 21, 5, 0, 0, 500_000_000, time.UTC)
	lost := map[string][]error{"PutParameter": {nil, errors.New("killed")}}
	refused := map[string][]error{"PutParameter": {nil, code("ThrottlingException")}}
	for name, test := range map[string]struct {
		before map[string]string
		lose   map[string][]error
		refuse map[string][]error
	}{
		"created":                         {},
		"changed":                         {before: map[string]string{configName: document, urlName: "old"}},
		"created and changed":             {before: map[string]string{configName: document}},
		"created, the last answer lost":   {lose: lost},
		"changed, the last answer lost":   {before: map[string]string{configName: document, urlName: "old"}, lose: lost},
		"changed, only the first of them": {before: map[string]string{configName: document, urlName: "old"}, refuse: refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(test.before)
			fake.now, fake.lose, fake.refuse = since.Truncate(time.Second), test.lose, test.refuse
			_, _ = New(fake).Publish(t.Context(), outputs(), tags) // its answer is lost
			made, err := New(fake).Made(t.Context(), outputs(), since)
			if err != nil || len(made.Parameters) == 0 {
				t.Fatalf("%+v %v", made, err)
			}
			for range 2 {
				if err := undoAll(t, fake, made); err != nil {
					t.Error(err)
				}
				for _, parameter := range []string{configName, urlName} {
					if fake.value(parameter) != test.before[parameter] {
						t.Errorf("%s holds %q", parameter, fake.value(parameter))
					}
				}
			}
			if again, err := New(fake).Made(t.Context(), outputs(), since); err != nil || len(again.Parameters) != 0 {
				t.Errorf("after the undo nothing is ours: %+v %v", again, err)
			}
		})
	}
}

func TestMadeIsOnlyWhatThisExecutionWrote(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	text := outputs()[1:]
	for name, test := range map[string]struct {
		versions []version
		want     []connection.Parameter
	}{
		"nothing":                {nil, nil},
		"an earlier execution's": {[]version{{url, since.Add(-time.Minute)}}, nil},
		"another person's":       {[]version{{"theirs", since.Add(time.Minute)}}, nil},
		"ours, then another's":   {[]version{{url, since}, {"theirs", since.Add(time.Minute)}}, nil},
		"created": {[]version{{url, since}}, []connection.Parameter{{Name: urlName, Version: 1, Changed: true,
			SHA256: sum(url)}}},
		"written twice, by an SDK try": {[]version{{"old", since.Add(-1)}, {url, since}, {url, since}},
			[]connection.Parameter{{Name: urlName, Version: 3, PreviousVersion: 1, Changed: true, SHA256: sum(url)}}},
	} {
		fake := holding(nil)
		if test.versions != nil {
			fake.parameters[urlName] = test.versions
		}
		got, err := New(fake).Made(t.Context(), text, since)
		if err != nil || len(got.Parameters) != len(test.want) || len(test.want) > 0 && !cmp.Equal(got.Parameters, test.want) {
			t.Errorf("%s: %+v %v", name, got.Parameters, err)
		}
	}
	denied := holding(nil)
	denied.refuse = map[string][]error{"GetParameters": {code("AccessDeniedException")}}
	if _, err := New(denied).Made(t.Context(), text, since); step.Name(err) != connection.AccessDenied {
		t.Errorf("%v", err)
	}
}

func TestUndoLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before    map[string]string
		meanwhile func(*fakeSSM)
		holds     string
	}{
		"created, then changed":         {nil, func(f *fakeSSM) { f.put(urlName, "theirs") }, "theirs"},
		"changed, then changed again":   {map[string]string{urlName: "old"}, func(f *fakeSSM) { f.put(urlName, "theirs") }, "theirs"},
		"changed, then deleted":         {map[string]string{urlName: "old"}, func(f *fakeSSM) { delete(f.parameters, urlName) }, ""},
		"the previous version was lost": {map[string]string{urlName: "old"}, func(*fakeSSM) {}, url},
	} {
		fake := holding(test.before)
		done, err := New(fake).Publish(t.Context(), outputs(), tags)
		if err != nil {
			t.Fatal(err)
		}
		test.meanwhile(fake)
		if name == "the previous version was lost" {
			done.Parameters[1].PreviousVersion = 99
		}
		err = undoAll(t, fake, done)
		kept := name == "the previous version was lost" // it is not another person's
		if (connection.NameOf(err) != connection.Conflict) != kept || err == nil || !strings.Contains(err.Error(),
			urlName) || fake.value(urlName) != test.holds {
			t.Errorf("%s: %v, holds %q", name, err, fake.value(urlName))
		}
		if _, there := fake.parameters[configName]; there {
			t.Errorf("%s: the other parameter was not undone", name)
		}
	}
}

// undoAll undoes what was changed, newest first, as package remove does.
func undoAll(t *testing.T, fake *fakeSSM, config connection.Config) error {
	t.Helper()
	var failed []error
	for _, parameter := range slices.Backward(config.Parameters) {
		if parameter.Changed {
			_, err := New(fake).Undo(t.Context(), parameter, outputs())
			if err != nil {
				err = fmt.Errorf("%s: %w", parameter.Name, err)
			}
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

type onboarded struct {
	lost  error // to another execution
	err   error
	seen  []string
	turns []connection.Turn // in which the connection was kept
}

func (o *onboarded) Holds(_ context.Context, _ string, turn connection.Turn) error {
	o.turns = append(o.turns, turn)
	return o.lost
}

func (o *onboarded) Onboarded(_ context.Context, in connection.Input, _ connection.Config) error {
	o.seen = append(o.seen, in.State.Plan.ConnectionID)
	return o.err
}

func TestHandle(t *testing.T) {
	t.Parallel()
	in := func(proof *connection.Proof) connection.Input {
		plan := connection.Plan{ConnectionID: "monte-carlo/prod", Outputs: outputs()}
		return connection.Input{Execution: "arn:exec:1", State: connection.State{
			Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-1"}, Verification: proof,
		}}
	}
	pass := &connection.Proof{Verdict: connection.Pass}
	redriven := in(pass)
	redriven.RedriveCount = 1
	retried := in(pass)
	retried.Retries = 1
	taken := onboarded{lost: connection.Errorf(connection.Conflict, "another execution holds it")}
	for name, test := range map[string]struct {
		in       connection.Input
		registry onboarded
		fault    string
		calls    int // of SSM
		seen     int
		kept     bool
	}{
		"verified":                         {in: in(pass), calls: 3, seen: 1},
		"failed":                           {in: in(&connection.Proof{Verdict: connection.Fail}), fault: connection.Internal},
		"unknown":                          {in: in(&connection.Proof{Verdict: connection.Unknown}), fault: connection.Internal},
		"no verdict":                       {in: in(&connection.Proof{}), fault: connection.Internal},
		"never tried":                      {in: in(nil), fault: connection.Internal},
		"no plan":                          {fault: connection.Internal},
		"redriven, and held":               {in: redriven, calls: 3, seen: 1, kept: true},
		"tried again, and held":            {in: retried, calls: 3, seen: 1, kept: true},
		"tried again, and lost":            {in: retried, registry: taken, fault: connection.Conflict, kept: true},
		"redriven, and lost":               {in: redriven, registry: taken, fault: connection.Conflict, kept: true},
		"a first try holds it for certain": {in: in(pass), registry: taken, calls: 3, seen: 1},
		"claim is lost": {in: in(pass), registry: onboarded{err: connection.Errorf(connection.Conflict, "held")},
			fault: connection.Conflict, calls: 3, seen: 1},
	} {
		fake := holding(nil)
		got, err := Publisher{Parameters: New(fake), Registry: &test.registry}.Handle(t.Context(), test.in)
		if connection.NameOf(err) != test.fault || len(fake.calls) != test.calls || len(test.registry.seen) != test.seen {
			t.Errorf("%s: %v, calls %v, registered %v", name, err, fake.calls, test.registry.seen)
		}
		if turns := test.registry.turns; (len(turns) > 0) != test.kept || test.kept && turns[0] != test.in.Turn() {
			t.Errorf("%s: kept in %v", name, turns)
		}
		if err == nil && len(got.Parameters) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	broken := holding(nil)
	broken.refuse = map[string][]error{"PutParameter": {code("ParameterLimitExceeded")}}
	registry := &onboarded{}
	_, err := Publisher{Parameters: New(broken), Registry: registry}.Handle(t.Context(), in(pass))
	if step.Name(err) != connection.LimitExceeded || len(registry.seen) != 0 {
		t.Errorf("what was not written is not recorded: %v", err)
	}
}

// Our key goes from a document that others have changed since, and nothing else; what is not ours stays as it is.
func TestUndoInADocumentThatOthersChanged(t *testing.T) {
	t.Parallel()
	const freed = "freed of our key container.backendServiceUrl; what others added to it stays"
	fresh := "container:\n  backendServiceUrl: " + url + "\n"
	output := outputs()[:1]
	for name, test := range map[string]struct {
		before, now, want string
		undone            Undone
		fault             string
	}{
		"a key beside ours":              {"", fresh + "  image: x\n", "container:\n  image: x\n", Undone{How: freed}, ""},
		"a key beside the mapping":       {"", fresh + "other: 1 # theirs\n", "other: 1 # theirs\n", Undone{How: freed}, ""},
		"above it":                       {"", "other: 1\n" + fresh, "other: 1\n", Undone{How: freed}, ""},
		"a comment only":                 {"", "# theirs\n" + fresh, "# theirs\n", Undone{How: freed}, ""},
		"blank lines only":               {"", "\n" + fresh, "", Undone{How: "deleted"}, ""},
		"in flow style":                  {"", "container: {backendServiceUrl: '" + url + "', image: x}\n", "container: {image: x}\n", Undone{How: freed}, ""},
		"last in flow style":             {"", "container: {image: x, backendServiceUrl: \"" + url + "\"}\n", "container: {image: x}\n", Undone{How: freed}, ""},
		"the value before us comes back": {document, strings.Replace(document, "https://old", url, 1) + "other: 1\n", document + "other: 1\n", Undone{How: freed}, ""},
		"a mapping that stood before us": {"container:\n  image: x\n", "container:\n  backendServiceUrl: " + url + "\n", "", Undone{}, "?"},
		"our key is gone":                {"", "other: 1\n", "other: 1\n", Undone{How: freed, Before: true}, ""},
		"our key has their value":        {"", "container:\n  backendServiceUrl: https://theirs\n", "container:\n  backendServiceUrl: https://theirs\n", Undone{}, connection.Conflict},
		"no document any longer":         {"", "- a\n", "- a\n", Undone{}, connection.Conflict},
		"our value is an anchor":         {"", "container: &c\n  backendServiceUrl: " + url + "\n  image: x\nother: *c\n", "", Undone{}, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := holding(nil)
			if test.before != "" {
				fake.put(configName, test.before)
			}
			done, err := New(fake).Publish(t.Context(), output, tags)
			if err != nil {
				t.Fatal(err)
			}
			fake.put(configName, test.now)
			got, err := New(fake).Undo(t.Context(), done.Parameters[0], output)
			if test.fault != "" {
				if err == nil || test.fault != "?" && connection.NameOf(err) != test.fault || fake.value(configName) != test.now {
					t.Errorf("%v, holds %q", err, fake.value(configName))
				}
				return
			}
			if err != nil || got != test.undone || fake.value(configName) != test.want {
				t.Errorf("%+v, %v, holds %q, want %q", got, err, fake.value(configName), test.want)
			}
			if again, err := New(fake).Undo(t.Context(), done.Parameters[0], output); err != nil || !again.Before {
				t.Errorf("a second time: %+v, %v", again, err)
			}
		})
	}
}

// What an execution published that was stopped before it could record it is the next one's, with what stood there before.
func TestHandleAfterATakeover(t *testing.T) {
	t.Parallel()
	written := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	fake := holding(map[string]string{configName: "other: 1\n"})
	fake.now = written
	run := func(execution string, takenFrom time.Time, registry *onboarded) (connection.Config, error) {
		plan := connection.Plan{ConnectionID: "monte-carlo/prod", Outputs: outputs(), TakenFrom: takenFrom}
		return Publisher{Parameters: New(fake), Registry: registry}.Handle(t.Context(), connection.Input{
			Execution: execution, State: connection.State{Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-1"},
				Verification: &connection.Proof{Verdict: connection.Pass, At: written.Add(time.Hour)}},
		})
	}
	if _, err := run("arn:exec:1", time.Time{}, &onboarded{err: connection.Errorf(connection.Unavailable, "no answer")}); err == nil {
		t.Fatal("it was recorded")
	}
	for _, test := range []struct {
		takenFrom time.Time
		changed   bool
	}{{written.Add(-time.Hour), true}, {time.Time{}, false}} {
		config, err := run("arn:exec:2", test.takenFrom, &onboarded{})
		if err != nil || len(config.Parameters) != 2 {
			t.Fatal(config, err)
		}
		for _, parameter := range config.Parameters {
			if parameter.Changed != test.changed || (parameter.PreviousVersion > 0) != (test.changed && parameter.Name == configName) {
				t.Errorf("taken from %v: %+v", test.takenFrom, parameter)
			}
		}
	}
}

// A try that published and died before it could say so is remembered by what it wrote.
func TestHandleAgain(t *testing.T) {
	t.Parallel()
	fake := holding(map[string]string{configName: "other: 1\n"})
	plan := connection.Plan{ConnectionID: "monte-carlo/prod", Outputs: outputs()}
	in := connection.Input{Execution: "arn:exec:1", State: connection.State{
		Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-1"}, Verification: &connection.Proof{Verdict: connection.Pass},
	}}
	lost := connection.Errorf(connection.Unavailable, "the answer was lost")
	first, err := Publisher{Parameters: New(fake), Registry: &onboarded{err: lost}}.Handle(t.Context(), in)
	if connection.NameOf(err) != connection.Unavailable {
		t.Fatal(err)
	}
	in.Retries = 1
	second, err := Publisher{Parameters: New(fake), Registry: &onboarded{}}.Handle(t.Context(), in)
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, parameter := range second.Parameters {
		if !parameter.Changed || (parameter.PreviousVersion > 0) != (parameter.Name == configName) {
			t.Errorf("%+v", parameter)
		}
	}
}
