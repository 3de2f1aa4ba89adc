"""Runs moto's AWS with its interpreter of state machines, for differential_test.go. Ends when its standard input does.

Prints one JSON line: the version and the port. The interpreter sends what its tasks call to MOTO_PORT, which is the test's.
"""
import copy, json, logging, os, sys, threading

import moto
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions import models
from werkzeug.serving import make_server

default_user_config["stepfunctions"] = {"execute_state_machine": True}


def without_executions(machine, memo):
    # getmoto/moto#10077: a machine whose executions run cannot be copied. Fixed by #10093, after 5.2.1.
    twin = copy.copy(machine)
    twin.executions = []
    return twin


models.StateMachineInstance.__deepcopy__ = without_executions
logging.disable(logging.CRITICAL)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"version": moto.__version__, "port": server.server_port}), flush=True)
sys.stdin.read()
os._exit(0)
