"""Schemathesis asks mostly about the conversation that exists, so that it gets further than "not found"."""
import os

import schemathesis


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters and "conversation" in path_parameters and hash(str(path_parameters)) % 4:
        path_parameters["conversation"] = os.environ["KEFU_CONVERSATION"]
    return path_parameters
