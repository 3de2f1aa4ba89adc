"""Starts moto_server with its state-machine interpreter switched on.

usage: MOTO_PORT=<port of the gateway> MOTO_ACCOUNT_ID=<account> python3 launch.py <port to listen on>

MOTO_PORT is where moto sends the calls of a state machine's tasks. It need not be where moto listens: the gateway stands there,
runs the functions, and hands everything else on.
"""

import copy
import re
import sys
import types

import moto

if tuple(int(part) for part in moto.__version__.split(".")[:2]) < (5, 1):
    sys.exit(f"moto {moto.__version__} is too old: 5.1 or later is needed")

import moto.cloudformation.parsing as parsing
import moto.events.models as events
import moto.stepfunctions.models as stepfunctions
import moto.stepfunctions.parser.backend.execution_worker as execution_worker
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.models import stepfunctions_parser_backends



class Substitution:
    """What moto needs of string.Template for Fn::Sub, without the escape that CloudFormation does not have: $$ stays $$.

    A state machine's context object is $$, and would be lost.
    """

    def __init__(self, text):
        self.text = text

    def safe_substitute(self, **values):
        for name, value in values.items():
            # What moto skips, such as an alias, has no value.
            self.text = self.text.replace("${" + name + "}", value or "")
        return self.text


parsing.string = types.SimpleNamespace(Template=Substitution)

# The grammar takes a percentage with a fraction only: 100 is a syntax error, 100.0 is not.
parse = AmazonStateLanguageParser.parse


def parse_with_percentages(definition):
    return parse(re.sub(r'("ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])', r"\1.0", definition))


AmazonStateLanguageParser.parse = staticmethod(parse_with_percentages)

# A template's Ref to an event bus is its name. moto has no such id for it, and hands on its own object.
events.EventBus.physical_resource_id = property(lambda bus: bus.name, lambda bus, value: None)

# AWS: the context object counts redrives, 0 for an execution that was never redriven. moto knows none.
execution_data = execution_worker.ExecutionData
execution_worker.ExecutionData = lambda **known: execution_data(**known, RedriveCount=0)

default_user_config["stepfunctions"] = {"execute_state_machine": True}

# CloudFormation creates state machines through this name, and by default in the backend that interprets nothing.
stepfunctions.stepfunctions_backends = stepfunctions_parser_backends

# Up to 5.2.1 the second StartExecution answers 500, since a copy of the machine would copy its running executions with their
# locks. Fixed upstream after that: https://github.com/getmoto/moto/pull/10093
if tuple(int(part) for part in moto.__version__.split(".")[:3]) <= (5, 2, 1):

    def without_executions(self, memo):
        shallow = copy.copy(self)
        shallow.executions = []
        return shallow

    stepfunctions.StateMachineInstance.__deepcopy__ = without_executions

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
