"""The keys of the language: which are free, and what other tools call ours, and how they write it."""

from __future__ import annotations

import re
from types import MappingProxyType

BUILT_IN_KINDS = frozenset({"python", "shell", "workflow"})
BUILT_IN_LIMITS = frozenset({"cpu", "memory", "gpu"})

NOT_IN_DEFAULTS = frozenset({"needs", "if", "for_each", "matrix", "key", "with", "repeat"})

FOREIGN_RUN_IFS = MappingProxyType(
    {
        **dict.fromkeys(("always", "always()", "done", "completed"), "all_done"),
        **dict.fromkeys(("failure", "failure()", "on_failure", "failed"), "one_failed"),
        **dict.fromkeys(("success", "success()", "on_success", "succeeded"), "all_success"),
    }
)

FOREIGN_TOP_KEYS = MappingProxyType(
    {
        **dict.fromkeys(("steps", "jobs", "nodes", "stages", "dag", "task"), 'the tasks stand below "tasks"'),
        **dict.fromkeys(
            ("params", "parameters", "args", "vars", "variables"), 'parameters are declared below "inputs"'
        ),
        "version": 'the version of the language is "flowpar: 1"',
        "environment": 'environment variables stand below "env"',
        "dotenv": 'a dotenv file is named by "env_file"',
        "on": "flowpar has no triggers; start a run with cron or a CI system",
        "schedule": "flowpar has no triggers; start a run with cron or a CI system",
        "pythonpath": 'folders for imports stand below "python_path"',
        "results": 'results are declared below "outputs"',
        **dict.fromkeys(
            ("include", "includes", "import", "imports", "subworkflows", "module"),
            'another file is a task: "workflow: other.yaml"',
        ),
        **dict.fromkeys(
            ("on_failure", "on_success", "on_exit", "onsuccess", "onerror", "handlerOn", "hooks", "notify"),
            'tasks below "finally" run however it ended; run.status tells them how',
        ),
        **dict.fromkeys(
            ("workers", "max_workers", "concurrency", "parallelism", "maxActiveSteps", "cores"),
            "how many tasks run at once is -w of flowpar run",
        ),
        **dict.fromkeys(("config", "configfile", "params_file"), "inputs come from a file by --inputs FILE"),
    }
)

FOREIGN_TASK_KEYS = MappingProxyType(
    {
        **dict.fromkeys(
            ("depends_on", "dependsOn", "depends", "deps", "dependencies", "requires", "after", "upstream"),
            'order without data is "needs: [task]"; a reference to tasks.<id> needs no such key',
        ),
        **dict.fromkeys(("when", "condition", "unless", "only_if"), 'a condition is "if"'),
        **dict.fromkeys(("script", "run", "cmd", "command", "bash", "sh", "exec"), 'a shell command is "shell"'),
        **dict.fromkeys(
            ("uses", "function", "callable", "call", "entrypoint"), 'a function is called by "python: module:function"'
        ),
        **dict.fromkeys(
            ("params", "parameters", "args", "arguments", "kwargs", "op_kwargs", "inputs", "input"),
            'arguments stand below "with"',
        ),
        **dict.fromkeys(
            ("foreach", "forEach", "map", "expand", "loop", "with_items", "withItems"),
            'a task for each item is "for_each"',
        ),
        "strategy": 'the cross product of lists is "matrix"',
        **dict.fromkeys(
            ("retries", "retry_policy", "retryPolicy", "retryStrategy", "max_retries", "attempts", "tries"),
            'tries are given by "retry"',
        ),
        **dict.fromkeys(("retry_delay", "delay", "backoff"), 'write "retry: {attempts: 3, delay: 2s}"'),
        **dict.fromkeys(
            ("continue-on-error", "continue_on_error", "continueOnError", "continueOn", "ignore_errors", "on_error"),
            'a task that may fail has "allow_failure: true"',
        ),
        **dict.fromkeys(
            ("timeout-minutes", "timeout_minutes", "execution_timeout", "time_limit"), 'a time limit is "timeout: 10m"'
        ),
        **dict.fromkeys(("timeout_seconds", "timeoutSec", "timeout_s"), 'a time limit is "timeout: 10s"'),
        **dict.fromkeys(
            ("working-directory", "working_directory", "working_dir", "workdir", "wdir", "dir", "chdir"),
            'the folder is "cwd"',
        ),
        **dict.fromkeys(("trigger_rule", "run_when"), 'how what it needs must have ended is "run_if"'),
        **dict.fromkeys(
            ("cpu", "cpus", "threads", "memory", "mem", "mem_mb", "gpu", "gpus", "pool", "pool_slots", "limits"),
            'what an attempt holds is "resources: {cpu: 2, memory: 1GiB}"',
        ),
        "secrets": 'a secret is declared beside "tasks", and given by env: {NAME: "${{ secrets.NAME }}"}',
        **dict.fromkeys(("env_file", "python_path", "plugins", "preload"), 'it stands beside "tasks", for all of them'),
        "environment": 'environment variables stand below "env"',
        "name": 'the name of a task is its key below "tasks"; a text for people is "description"',
        "id": 'the id of a task is its key below "tasks"',
        "steps": 'each step is a task of its own below "tasks"',
        "jobs": 'each job is a task of its own below "tasks"',
        "tasks": 'tasks are not nested; each stands below the top-level "tasks"',
        "outputs": 'what a task returns is tasks.<id>.output; "outputs" belongs to the workflow',
        **dict.fromkeys(
            ("concurrency", "parallelism", "max-parallel", "max_workers", "max_active_tis_per_dag", "maxActiveSteps"),
            'items at once are bounded by "max_parallel"',
        ),
    }
)

FOREIGN_RETRY_KEYS = MappingProxyType(
    {
        **dict.fromkeys(("max", "limit", "count", "times", "retries", "tries", "max_retries"), "attempts"),
        **dict.fromkeys(("interval", "intervalSec", "wait", "sleep", "seconds", "retry_delay"), "delay"),
        **dict.fromkeys(("factor", "multiplier", "exponential", "exponential_backoff"), "backoff"),
        **dict.fromkeys(("if", "when", "exceptions", "errors", "retry_on"), "on"),
    }
)

FOREIGN_INPUT_KEYS = MappingProxyType(
    {
        "min": "minimum",
        "max": "maximum",
        **dict.fromkeys(("choices", "options", "values", "allowed", "one_of"), "enum"),
        **dict.fromkeys(("help", "doc", "title", "label"), "description"),
        **dict.fromkeys(("regex", "regexp", "match", "format"), "pattern"),
        **dict.fromkeys(("value", "initial"), "default"),
    }
)

FOREIGN_TYPES = MappingProxyType(
    {
        **dict.fromkeys(("float", "double", "decimal"), "number"),
        **dict.fromkeys(("text", "date", "datetime", "time", "duration", "secret"), "string"),
        **dict.fromkeys(("dict", "object", "map", "json"), "mapping"),
        **dict.fromkeys(("array", "sequence", "tuple", "set"), "list"),
        **dict.fromkeys(("file", "folder", "dir", "directory", "filename"), "path"),
    }
)

FOREIGN_ITEM_ERRORS = MappingProxyType(
    {
        **dict.fromkeys(("continue", "ignore", "skip"), "collect"),
        **dict.fromkeys(("stop", "abort", "cancel", "fail"), "fail_fast"),
    }
)

_LOOP = re.compile(r"(?:for +)?(?P<name>[A-Za-z_]\w*) +in +(?P<items>\S.*)")


def items_meant(value: object) -> str:
    """Return what to write for a `for_each` that is a number, a loop, or an expression without its braces."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return f"write ${{{{ range({value}) }}}}"
    if not isinstance(value, str) or not value or "\n" in value:
        return ""
    if loop := _LOOP.fullmatch(value):
        return f'write {{{loop["name"]}: "${{{{ {loop["items"]} }}}}"}}'
    return f"write ${{{{ {value} }}}}"
