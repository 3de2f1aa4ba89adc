package states

// state reads one state: what every type has, and what its own type has.
func (n node) state(name string, names map[string]string) *state {
	o := n.object()
	s := &state{name: name, path: n.path, kind: o.text("Type")}
	readers := map[string]func(*object){
		"Task": s.readTask, "Pass": s.readPass, "Choice": s.readChoice, "Wait": s.readWait, "Fail": s.readFail,
		"Succeed": func(*object) {}, "Map": func(o *object) { s.readMap(o, names) },
	}
	read, known := readers[s.kind]
	if !known {
		o.fault("the state type %q is not simulated", s.kind)
		return s
	}
	o.text("Comment")
	if s.kind != "Fail" {
		s.input, s.output = o.place("InputPath"), o.place("OutputPath")
	}
	if s.kind != "Fail" && s.kind != "Succeed" && s.kind != "Choice" {
		s.readNext(o)
	}
	read(o)
	o.close("a " + s.kind)
	return s
}

// readNext reads Next or End.
func (s *state) readNext(o *object) {
	s.next = o.text("Next")
	end := o.truth("End")
	o.only("Next", "End")
	if s.next == "" && !end {
		o.fault("Next, or End: true, is needed")
	}
}

// readResult reads what states with a result have.
func (s *state) readResult(o *object) {
	s.result = o.resultPath()
	s.selector = o.template("ResultSelector")
	s.readRetry(o)
	s.readCatch(o)
}

func (s *state) readTask(o *object) {
	s.readResult(o)
	s.parameters = o.template("Parameters")
	s.timeout = o.limit("TimeoutSeconds")
	s.heartbeat = o.limit("HeartbeatSeconds")
	if s.heartbeat.seconds > 0 && s.timeout.seconds > 0 && s.heartbeat.seconds >= s.timeout.seconds {
		o.fault("HeartbeatSeconds must be smaller than TimeoutSeconds")
	}
	s.readResource(o)
}

// limit reads a number of seconds, or the path of one.
func (o *object) limit(name string) limit {
	o.only(name, name+"Path")
	l := limit{field: name + "Path"}
	l.seconds = o.integer(name, 1, 0)
	l.path = o.reference(name+"Path", false)
	return l
}

func (s *state) readPass(o *object) {
	s.result = o.resultPath()
	s.parameters = o.template("Parameters")
	var n node
	if n, s.isFixed = o.field("Result"); s.isFixed {
		s.fixed = plain(n.value)
	}
}

func (s *state) readChoice(o *object) {
	for _, n := range o.list("Choices", 1) {
		s.choices = append(s.choices, n.rule())
	}
	s.fallback = o.text("Default")
}

// readWait reads a Wait. Only Seconds is simulated.
func (s *state) readWait(o *object) {
	if s.seconds = o.integer("Seconds", 0, 0); !o.has("Seconds") {
		o.fault("Seconds is needed")
	}
}

// readMap reads a Map. What reads items from or writes results to elsewhere is not supported.
func (s *state) readMap(o *object, names map[string]string) {
	s.readResult(o)
	s.parameters = o.template("ItemSelector")
	s.items = o.reference("ItemsPath", true)
	s.width = o.integer("MaxConcurrency", 0, 0)
	n, _ := o.field("ItemProcessor")
	processor := n.object()
	processor.text("Comment")
	if config, present := processor.field("ProcessorConfig"); present {
		c := config.object()
		if c.word("Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED" {
			c.word("ExecutionType", "STANDARD", "EXPRESS")
		}
		c.close("a ProcessorConfig")
	}
	s.readDistributed(o, processor)
	s.processor = processor.graph(names)
	processor.close("an ItemProcessor")
}
