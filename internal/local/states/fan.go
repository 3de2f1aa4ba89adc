package states

import "slices"

// fan is the runs of a Map, one for each item: width at a time, with their outputs in order. The first that fails ends them all.
type fan struct {
	visit   *visit
	width   int
	inputs  []any
	items   []any // $$.Map.Item for each run
	runs    []*run
	outputs []any
	ended   []bool
	left    int
	failed  int   // items of a distributed Map that failed and were tolerated
	event   int64 // id of its …StateStarted
}

// each is what a Map does.
func (v *visit) each(data any) {
	list, err := v.list(data)
	if err == nil {
		err = v.mayDistribute()
	}
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	f := &fan{visit: v, width: v.width()}
	for i, value := range list {
		item := map[string]any{"Index": int64(i), "Value": value}
		if v.state.parameters != nil {
			s := v.scope(data)
			s.context.(map[string]any)["Map"] = map[string]any{"Item": item}
			if value, err = v.state.parameters.value("ItemSelector", s); err != nil {
				v.failed(asFailure(err))
				return
			}
		}
		f.inputs, f.items = append(f.inputs, value), append(f.items, item)
	}
	v.run.note("MapStateStarted", details{"length": len(list)})
	v.spread(f)
}

func (v *visit) list(data any) ([]any, error) {
	found, name := data, "$"
	if p := v.state.items; p != nil {
		var err error
		if found, err = p.get("ItemsPath", v.scope(data)); err != nil {
			return nil, err
		}
		name = p.text
	}
	list, ok := found.([]any)
	if !ok {
		return nil, runtimeError("Reference path \"%s\" must point to array.", name)
	}
	return list, nil
}

// width is how many items run at a time. AWS: 0 is no limit of one's own; then an inline Map runs 40 and a distributed one
// 10,000.
func (v *visit) width() int {
	width, most := v.state.width, int64(40)
	if v.state.distributed != nil {
		most = 10_000
	}
	if width == 0 {
		width = most
	}
	return int(min(width, most))
}

// spread starts the runs of a fan.
func (v *visit) spread(f *fan) {
	f.left, f.event = len(f.inputs), v.run.last
	f.outputs, f.ended = make([]any, f.left), make([]bool, f.left)
	v.fan = f
	v.cleanup = append(v.cleanup, f.abort)
	if f.left == 0 {
		f.finish()
		return
	}
	for range min(f.width, f.left) {
		f.launch()
	}
}

// launch starts the next run.
func (f *fan) launch() {
	i, v := len(f.runs), f.visit
	r := &run{
		service: v.run.service, exec: v.run.exec, graph: v.state.processor, item: f.items[i], last: f.event,
		silent: v.run.silent || v.state.distributed != nil,
	}
	r.note("MapIterationStarted", details{"name": v.state.name, "index": i})
	r.done = func(output any, failed *failure) { f.done(i, output, failed) }
	f.runs = append(f.runs, r)
	r.enter(r.graph.start, f.inputs[i])
}

// done takes the end of a run.
func (f *fan) done(i int, output any, failed *failure) {
	v, r := f.visit, f.runs[i]
	outcome := map[bool]string{true: "Succeeded", false: "Failed"}[failed == nil]
	r.note("MapIteration"+outcome, details{"name": v.state.name, "index": i})
	v.run.last = max(v.run.last, r.last)
	if failed != nil && v.state.distributed != nil {
		f.failed++
		if v.state.distributed.tolerates(f.failed, len(f.inputs)) {
			failed, output = nil, absent
		} else {
			failed = exceeded()
		}
	}
	if failed != nil {
		f.abort()
		v.run.note("MapStateFailed", nil) // AWS: it has no details
		v.failed(failed)
		return
	}
	f.outputs[i], f.ended[i] = output, true
	f.left--
	switch {
	case f.left == 0:
		f.finish()
	case len(f.runs) < len(f.inputs):
		f.launch()
	}
}

func (f *fan) finish() {
	f.visit.run.note("MapStateSucceeded", nil)
	f.visit.result(slices.DeleteFunc(slices.Clone(f.outputs), func(output any) bool { return output == absent }))
}

// abort ends the runs that are still going.
func (f *fan) abort() {
	for i, r := range f.runs {
		if !r.over {
			r.note("MapIterationAborted", details{"name": f.visit.state.name, "index": i})
		}
		r.abort()
	}
}

// resume goes on with the runs that have not succeeded. AWS: a redrive keeps the outputs of those that have.
func (f *fan) resume() {
	f.visit.cleanup = append(f.visit.cleanup, f.abort)
	if f.left == 0 {
		f.finish()
		return
	}
	for i, r := range f.runs { // those still to come follow as these end
		if !f.ended[i] {
			r.resume()
		}
	}
}
