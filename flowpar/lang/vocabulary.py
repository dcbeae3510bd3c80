"""The keys of the language: which are free, and what other tools call ours."""

from __future__ import annotations

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
        "retries": 'tries are given by "retry"',
        "retry_policy": 'tries are given by "retry"',
        "retry_delay": 'write "retry: {attempts: 3, delay: 2s}"',
        "retryStrategy": 'tries are given by "retry"',
        **dict.fromkeys(
            ("continue-on-error", "continue_on_error", "continueOnError", "continueOn", "ignore_errors", "on_error"),
            'a task that may fail has "allow_failure: true"',
        ),
        "timeout-minutes": 'a time limit is "timeout: 10m"',
        "timeout_seconds": 'a time limit is "timeout: 10s"',
        "execution_timeout": 'a time limit is "timeout: 10m"',
        "working-directory": 'the folder is "cwd"',
        "workdir": 'the folder is "cwd"',
        "dir": 'the folder is "cwd"',
        "environment": 'environment variables stand below "env"',
        "name": 'the name of a task is its key below "tasks"; a text for people is "description"',
        "id": 'the id of a task is its key below "tasks"',
        "steps": 'each step is a task of its own below "tasks"',
        "jobs": 'each job is a task of its own below "tasks"',
        "tasks": 'tasks are not nested; each stands below the top-level "tasks"',
        "outputs": 'what a task returns is tasks.<id>.output; "outputs" belongs to the workflow',
        "concurrency": 'items at once are bounded by "max_parallel"',
        "max-parallel": 'items at once are bounded by "max_parallel"',
    }
)
