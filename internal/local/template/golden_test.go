package template_test

import (
	"os"
	"testing"

	"postern/internal/local/template"
)

// The template that is deployed must be one that the embedded cloud understands, whole.
func TestGoldenTemplateLoads(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../infra/testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := template.Load(text, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(template.All[template.StateMachine](stack)) != 2 || len(template.All[template.Function](stack)) == 0 {
		t.Errorf("got %d resources", len(stack.Resources))
	}
}
