"""What people bring along from other tools, and how it is written here.

Operators that Python does not have, names of constants, functions, methods and contexts.
"""

from __future__ import annotations

import re

from flowpar.expr.finding import ExpressionError

_OPERATOR = re.compile(r"&&|\|\||===|!==|!(?!=)|\+\+|--(?=\s*$)|\?\??\.?|[#$`;\\]")

_OPERATORS = {
    "&&": 'write "and"',
    "||": 'write "or", or default(x, y) for a value that may be missing',
    "!": 'write "not x"',
    "===": 'write "=="',
    "!==": 'write "!="',
    "?": 'write "x if condition else y"',
    "??": "write default(x, y)",
    "?.": "write default(x.name, y)",
    "#": 'an expression has no comments, and YAML cuts an unquoted text at " #"; quote the whole value',
    "$": "write a context and a name, such as inputs.top or env.HOME",
}

CONSTANTS = {
    "true": "True",
    "false": "False",
    "null": "None",
    "TRUE": "True",
    "FALSE": "False",
    "NULL": "None",
    "none": "None",
    "nil": "None",
    "undefined": "None",
}

RULES = {
    "success": "nothing: a task runs when all it needs succeeded",
    "always": '"run_if: all_done" in the task',
    "failure": '"run_if: one_failed" in the task',
    "cancelled": 'a task below "finally", which may ask for run.status',
}

FUNCTIONS = {
    "contains": "part in text",
    "startsWith": "starts_with(text, start)",
    "startswith": "starts_with(text, start)",
    "endsWith": "ends_with(text, end)",
    "endswith": "ends_with(text, end)",
    "toJSON": "json(value)",
    "toJson": "json(value)",
    "tojson": "json(value)",
    "dumps": "json(value)",
    "fromJSON": "from_json(text)",
    "fromJson": "from_json(text)",
    "fromjson": "from_json(text)",
    "loads": "from_json(text)",
    "list": "[x for x in value]",
    "set": "unique(value)",
    "dict": "{key: value}",
    "tuple": "a list",
    "map": "[f(x) for x in value]",
    "filter": "[x for x in value if condition]",
    "size": "len(value)",
    "length": "len(value)",
    "count": "len(value)",
    "get": "default(x.name, y)",
    "getattr": "default(x.name, y)",
    "coalesce": "default(x, y)",
    "regex": "matches(text, pattern)",
    "match": "matches(text, pattern)",
    "trim": "strip(text)",
    "uppercase": "upper(text)",
    "lowercase": "lower(text)",
    "distinct": "unique(value)",
    "string": "str(value)",
    "number": "float(value)",
    "boolean": "bool(value)",
    "Path": "path(text)",
    "isinstance": "a function of your own in a task",
    "format": 'text around expressions: "run ${{ run.id }}"',
    **RULES,
    "print": "a task that prints",
    "open": "a task that reads the file",
}

METHODS = {
    "strip": "strip(x)",
    "trim": "strip(x)",
    "lower": "lower(x)",
    "upper": "upper(x)",
    "split": "split(x, separator)",
    "join": "join(items, separator)",
    "replace": "replace(x, old, new)",
    "startswith": "starts_with(x, start)",
    "endswith": "ends_with(x, end)",
    "keys": "keys(x)",
    "values": "values(x)",
    "items": "items(x)",
    "get": "default(x.name, y)",
    "format": "text around expressions, or join(items)",
    "match": "matches(x, pattern)",
    "search": "matches(x, pattern)",
    "length": "len(x)",
    "size": "len(x)",
    "includes": "part in x",
    "contains": "part in x",
    "map": "[f(item) for item in x]",
    "filter": "[item for item in x if condition]",
    "sort": "sorted(x)",
    "sum": "sum(x)",
    "min": "min(x)",
    "max": "max(x)",
    "toString": "str(x)",
    "exists": "glob(pattern) and see whether it is empty",
}

CONTEXTS = {
    "steps": "tasks.<id>.output",
    "needs": "tasks.<id>.output",
    "jobs": "tasks.<id>.output",
    "job": "tasks.<id>.output",
    "task": "tasks.<id>.output",
    "nodes": "tasks.<id>.output",
    "outputs": "tasks.<id>.output",
    "result": "tasks.<id>.output",
    "params": "inputs.<name>",
    "parameters": "inputs.<name>",
    "args": "inputs.<name>",
    "input": "inputs.<name>",
    "vars": "inputs.<name>",
    "variables": "inputs.<name>",
    "github": "env.<NAME> or run.id",
    "environ": "env.<NAME>",
    "os": "env.<NAME>",
    "secret": "secrets.<name>",
    "item": "each.item",
    "taskrun": "run.id",
    "execution": "run.id",
    "flow": "workflow.name",
    "dag": "workflow.name",
}

NAMES = {
    **CONTEXTS,
    **RULES,
    **dict.fromkeys(("yes", "on"), "True"),
    **dict.fromkeys(("no", "off", "never"), "False"),
}


def foreign_operators(blanked: str) -> list[ExpressionError]:
    """Return a finding for each operator that Python does not have, in an expression without strings."""
    errors = []
    for found in _OPERATOR.finditer(blanked):
        hint = _OPERATORS.get(found.group(), "take it away")
        message = f'"{found.group()}" has no meaning in an expression'
        errors.append(ExpressionError(message, found.start(), found.end(), hint=hint, code="FP302"))
    return errors
