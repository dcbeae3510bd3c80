"""One sentence about each key, for editors: the schema carries them as descriptions."""

from __future__ import annotations

from types import MappingProxyType

TOP_KEY_HELP = MappingProxyType(
    {
        "flowpar": "The version of the language: 1.",
        "name": "What the workflow is called in logs and run ids; the file's name otherwise.",
        "description": "A text for people.",
        "inputs": "Typed parameters, given with -i NAME=VALUE and checked before anything runs.",
        "secrets": "Values that are never shown or written, each read from a variable or a file.",
        "env": "Environment variables of all tasks.",
        "env_file": "A dotenv file, or several; a later one wins.",
        "limits": "Named pools of which tasks may take a share.",
        "defaults": "Keys that a task has unless it has its own.",
        "preload": "Packages that are imported once for many tasks: auto, none, or a list of modules.",
        "python_path": "Folders beside the workflow's own from which tasks import.",
        "plugins": "Files or modules of this project that bring task types.",
        "tasks": "The tasks by id.",
        "finally": "Tasks that run when all others are over, however that ended.",
        "outputs": "What the workflow gives, each an expression.",
    }
)

TASK_KEY_HELP = MappingProxyType(
    {
        "python": 'Call a function: "module:function".',
        "shell": "Run a command: a text for /bin/sh -eu, or a list of words without a shell.",
        "workflow": "Run another workflow file, relative to this one, with `with` as its inputs.",
        "description": "A text for people.",
        "needs": "Tasks that must be done before, without their data.",
        "if": "An expression; false skips the task and what needs it.",
        "run_if": "How what it needs must have ended; all_success without it.",
        "for_each": "Run once for each item of a list, as each.item; names with lists advance together.",
        "matrix": "Run once for each combination of the axes, as matrix.<axis>.",
        "key": "An expression that gives each item a name of its own, by which a resume knows it again.",
        "max_parallel": "How many items may run at once.",
        "batch": "How many short items one process makes one after another: a number, or auto.",
        "on_item_error": "What a failed item does: finish the others, fail_fast, or collect.",
        "repeat": "Run again and again until the output is what is wanted.",
        "with": "The arguments of the function, by name.",
        "env": "Environment variables of this task.",
        "cwd": "The folder it runs in, relative to the workflow file.",
        "executor": "Where it runs: a process of its own, a pool of warm ones, a thread, or inline.",
        "resources": "What an attempt holds while it runs: cpu, memory, gpu, and shares of the pools of limits.",
        "priority": "Of those that may start, higher goes first; 0.",
        "retry": "How many more tries after a failure, or how in detail.",
        "timeout": "The most time one attempt may take.",
        "grace": "The time between TERM and KILL; 5 s.",
        "allow_failure": "A failure counts as success for the run and for what needs the task.",
        "cache": "An attempt that was made before, of the same code and arguments, is not made again.",
    }
)

RETRY_KEY_HELP = MappingProxyType(
    {
        "attempts": "How many attempts in all.",
        "delay": "The wait before the second attempt.",
        "backoff": "What the wait is multiplied with after each failure.",
        "max_delay": "The longest wait.",
        "jitter": "Whether waits are made uneven, so that many tasks do not return at once.",
        "on": 'Which failures are tried again: exception names, "exit N", "timeout", "died".',
    }
)

CACHE_KEY_HELP = MappingProxyType(
    {
        "files": "Files that it reads: paths or patterns, relative to the workflow file; their content counts.",
        "outputs": "Files that it writes, below the folder of the workflow: they are kept, and put back.",
        "env": "Inherited environment variables whose values count.",
        "version": "A number or text that counts: change it where nothing else says that the result is another one.",
        "ttl": "How long what was made counts.",
    }
)

SECRET_KEY_HELP = MappingProxyType(
    {
        "env": "The environment variable that holds it; tasks do not inherit it.",
        "file": "The file that holds it, relative to the workflow file.",
    }
)

REPEAT_KEY_HELP = MappingProxyType(
    {
        "until": "An expression over output and previous; the rounds end when it is true.",
        "max": "How many rounds there may be.",
        "delay": "The wait between two rounds.",
        "on_max": "What it means that no round was the last: fail, or succeed with the last one's output.",
    }
)

INPUT_KEY_HELP = MappingProxyType(
    {
        "type": "The type of the value.",
        "items": "The type of the elements of a list.",
        "default": "The value where none is given; without it the input is required.",
        "description": "A text for people.",
        "enum": "The values that are allowed.",
        "minimum": "The smallest number allowed.",
        "maximum": "The largest number allowed.",
        "pattern": "A regular expression that the whole text matches.",
        "min_length": "The fewest characters or elements.",
        "max_length": "The most characters or elements.",
    }
)
