package vendor

import "testing"

func TestLoad(t *testing.T) {
	t.Parallel()
	catalog, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := catalog.Find("monte-carlo"); !ok {
		t.Errorf("ids: %v, want monte-carlo among them", catalog.IDs())
	}
}
