"""Schemathesis asks mostly about the conversation and the contact that exist, so that it gets further than "not found". What the
description forbids stays as it is: it is asked to see it refused."""
import os
import zlib

import schemathesis


def is_allowed(operation, parameter, name):
    described = next(it for it in operation.definition.raw["parameters"] if it["name"] == parameter)
    if described["schema"]["type"] == "integer":
        return type(name) is int and -(2**63) <= name < 2**63
    return type(name) is str


@schemathesis.hook
def map_query(context, query):
    """Waiting for news is tried, and not for long."""
    if query and type(query.get("wait")) is int and 2 < query["wait"] <= 30:
        query["wait"] = 2
    return query


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    there = {"conversation": os.environ["KEFU_CONVERSATION"], "contact": 1}
    for parameter, known in there.items():
        name = (path_parameters or {}).get(parameter)
        if name is not None and is_allowed(context.operation, parameter, name) and zlib.crc32(str(name).encode("utf-8", "replace")) % 4:
            path_parameters[parameter] = known
    return path_parameters
