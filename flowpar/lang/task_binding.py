"""One task of a document: its kind key, what stands below it, and the keys that all tasks have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.executors import EXECUTORS, address_variable, how_to_install, split_address
from flowpar.core.suggest import nearest
from flowpar.lang.cache_binding import read_cache
from flowpar.lang.fields import ID, ID_FORM, has_expression
from flowpar.lang.model import RepeatModel, RetryModel, TaskModel
from flowpar.lang.node import MappingNode, ScalarNode, SequenceNode
from flowpar.lang.plain import is_null
from flowpar.lang.resource_binding import read_resources
from flowpar.lang.shape import NOTHING, keys_of
from flowpar.lang.variables import read_variables
from flowpar.lang.vocabulary import FOREIGN_RETRY_KEYS, FOREIGN_TASK_KEYS
from flowpar.lang.wording import did_you_mean, name_of, short

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from flowpar.lang.node import Node
    from flowpar.lang.shape import ShapeReader
    from flowpar.lang.wording import Path

_FOREIGN_KINDS = frozenset(
    {"script", "run", "cmd", "command", "bash", "sh", "exec", "uses", "function", "callable", "call"}
)
_REPEAT_HINTS = {
    "until": 'say when it is enough: "until: output.is_ready"',
    "max": 'say how many rounds there may be: "max: 10"',
}
_OF_ATTEMPTS = frozenset({"env", "cwd", "executor", "retry", "resources", "grace", "batch", "cache", "priority"})
_WANTED = {"python": '"module:function"', "shell": "a command", "workflow": "a file"}
_TAKEN_NAMES = {"index": "the number", "key": "the identity"}


class TaskBinder:
    """Binds tasks one by one; `kinds` are the kind keys that exist, `executors` the names of those.

    Where `lacks_kinds`, a plugin that the document names could not be read: what may be a kind of it is
    no finding of its own.
    """

    def __init__(
        self,
        shape: ShapeReader,
        kinds: Collection[str],
        *,
        lacks_kinds: bool = False,
        executors: Sequence[str] = EXECUTORS,
    ) -> None:
        """Report to `shape`."""
        self._executors = executors
        self._shape = shape
        self._kinds = kinds
        self._lacks_kinds = lacks_kinds
        self._keys = keys_of(TaskModel)

    def bind(self, task: str, node: Node, *, home: str = "tasks") -> TaskModel:
        """Return the model of a task below the key `home`, without what has a finding."""
        path = (home, task)
        if not ID.fullmatch(task):
            name = f'"{short(task)}" is no task id' if task else "this task has an empty id"
            self._shape.find_key(path, name, code="FP128", hint=f"ids are {ID_FORM}")
        if not isinstance(node, MappingNode):
            hint = 'give it a kind key such as "python: module:function" or "shell: command"'
            if task in self._kinds or task in self._keys:
                hint = f'"{task}" is a key of tasks; it stands below the id of one'
            self._shape.find_wrong(path, "a mapping", hint=hint)
            return TaskModel()
        parts: dict[str, Any] = {"in_finally": True} if home == "finally" else {}
        strangers = []
        for key, value in node.items():
            if key.text in self._keys:
                parts[key.text] = self.read((*path, key.text), value)
            else:
                strangers.append(key.text)
        kind = self._kind(path, strangers)
        if kind:
            parts["kind"] = kind
            parts["body"] = self._body((*path, kind), kind, node.get(kind))
        self._check_together(path, parts, kind)
        return self._shape.model(TaskModel, path, parts) or TaskModel()

    def read(self, path: Path, node: Node) -> Any:
        """Return the plain value of a common key; short forms are written out."""
        key = path[-1]
        if key == "env":
            variables = read_variables(self._shape, path, node)
            return NOTHING if variables is None else variables
        if key == "retry":
            return self._retry(path, node)
        if key == "repeat":
            return self._repeat(path, node)
        if key == "cache":
            return read_cache(self._shape, path, node)
        if key == "resources":
            return read_resources(self._shape, path, node)
        value = self._shape.plain.value(node)
        if key == "executor" and value is not None and value not in self._executors:
            self._refuse_executor(path, value if isinstance(value, str) else "")
            return None
        if key in {"for_each", "matrix"}:
            self._check_names(path, node, value)
        return NOTHING if value is None else value

    def is_common(self, path: Path, key: str, known: Collection[str]) -> bool:
        """Whether a key is one of `known`; otherwise it is reported."""
        if key in known:
            return True
        self._shape.find_unknown((*path, key), name_of(path), sorted(known), hint=FOREIGN_TASK_KEYS.get(key))
        return False

    def _kind(self, path: Path, strangers: list[str]) -> str:
        """Return the one kind key among the keys that no task has, reporting the others."""
        kinds = [key for key in strangers if key in self._kinds]
        unknown = [key for key in strangers if key not in kinds]
        for key in kinds[1:]:
            message = f'{name_of(path)} has two kinds, "{kinds[0]}" and "{key}"'
            self._shape.find_key((*path, key), message, code="FP126", hint="make two tasks of it")
        has_kind = bool(kinds)
        for key in unknown:
            has_kind |= self._stranger(path, key, has_kind=has_kind)
        if not has_kind:
            hint = f"add one of: {', '.join(sorted(self._kinds))}"
            self._shape.find_key(path, f"{name_of(path)} has no kind key", code="FP126", hint=hint)
        return kinds[0] if kinds else ""

    def _stranger(self, path: Path, key: str, *, has_kind: bool) -> bool:
        """Report a key that is neither common nor a kind; returns whether it was meant as the kind."""
        if key in FOREIGN_TASK_KEYS:
            self.is_common(path, key, self._keys)
            return key in _FOREIGN_KINDS
        kinds = sorted(self._kinds)
        if not has_kind and self._lacks_kinds and nearest(key, [*self._keys, *kinds]) is None:
            return True
        if not has_kind and (nearest(key, self._keys) is None or nearest(key, kinds) is not None):
            message = f'{name_of(path)} has the unknown kind "{short(key)}"'
            self._shape.find_key((*path, key), message, code="FP127", hint=did_you_mean(key, kinds))
            return True
        self._shape.find_unknown((*path, key), name_of(path), [*sorted(self._keys), *kinds])
        return False

    def _body(self, path: Path, kind: str, node: Node | None) -> Any:
        """Return what stands below the kind key; for built-in kinds its shape is checked."""
        if node is None or (isinstance(node, ScalarNode) and node.is_plain and is_null(node)):
            wanted = {"python": '"module:function"', "shell": "a command", "workflow": "a file"}.get(
                kind, "its arguments"
            )
            self._shape.find_wrong(path, wanted)
            return None
        if kind == "python":
            return self._target(path, node)
        if kind == "workflow":
            return self._file(path, node)
        return self._shell(path, node) if kind == "shell" else self._shape.plain.value(node)

    def _target(self, path: Path, node: Node) -> str | dict[str, str] | None:
        if isinstance(node, MappingNode):
            return self._script(path, node)
        value = self._shape.plain.value(node)
        if isinstance(value, str):
            return value
        self._shape.find_wrong(path, '"module:function"', hint='the arguments of the function stand below "with"')
        return None

    def _script(self, path: Path, node: MappingNode) -> dict[str, str] | None:
        script = node.get("script")
        strangers = [key.text for key in node.keys if key.text != "script"]
        if script is None and all(nearest(key, ["script"]) is None for key in strangers):
            hint = 'the arguments of the function stand below "with"'
            self._shape.find_wrong(path, '"module:function", or {script: …}', hint=hint)
            return None
        for key in strangers:
            self._shape.find_unknown((*path, key), name_of(path), ["script"])
        value = None if script is None else self._shape.plain.value(script)
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return {"script": value}
        if script is not None:
            self._shape.find_wrong((*path, "script"), "Python as text")
        return None

    def _file(self, path: Path, node: Node) -> str | None:
        value = self._shape.plain.value(node)
        if isinstance(value, str) and value.strip() and not has_expression(value):
            return value
        wanted = "the path of a workflow file" + (" without expressions" if has_expression(value) else "")
        self._shape.find_wrong(path, wanted, hint='its inputs stand below "with"')
        return None

    def _shell(self, path: Path, node: Node) -> Any:
        if isinstance(node, SequenceNode):
            words = self._shape.plain.texts(node)
            wrong = [place for place, word in enumerate(words) if not isinstance(word, str) or "\0" in word]
            for place in wrong:
                wanted = "text without zero characters" if isinstance(words[place], str) else "a text"
                self._shape.find_wrong((*path, place), wanted)
            if not words:
                self._shape.find_wrong(path, "a command")
            return words if words and not wrong else None
        if isinstance(node, MappingNode):
            return {key.text: self._argument(child) for key, child in node.items()}
        value = self._shape.plain.value(node)
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
        without = " without zero characters" if isinstance(value, str) and value.strip() else ""
        self._shape.find_wrong(path, f"a command as text{without}, or a list of words")
        return None

    def _argument(self, node: Node) -> Any:
        return self._shape.plain.texts(node) if isinstance(node, SequenceNode) else self._shape.plain.value(node)

    def _retry(self, path: Path, node: Node) -> Any:
        value = self._shape.plain.value(node)
        if isinstance(value, dict):
            known = keys_of(RetryModel)
            strangers = [key for key in value if key not in known]
            for key in strangers:
                self._shape.find_unknown((*path, key), name_of(path), sorted(known), foreign=FOREIGN_RETRY_KEYS)
            return {key: NOTHING if part is None else part for key, part in value.items() if key in known}
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return RetryModel(attempts=value + 1)
        if has_expression(value):
            return RetryModel(attempts=str(value), counts_retries=True)
        self._shape.find_wrong(path, "a number of tries after the first, or a mapping")
        return None

    def _repeat(self, path: Path, node: Node) -> Any:
        if not isinstance(node, MappingNode):
            self._shape.find_wrong(path, "a mapping", hint='write "repeat: {until: …, max: 10}"')
            return None
        known = keys_of(RepeatModel)
        for key in node.keys:
            if key.text not in known:
                self._shape.find_unknown((*path, key.text), name_of(path), sorted(known))
        missing = [key for key in ("until", "max") if node.get(key) is None]
        for name in missing:
            message = f'{name_of(path)} has no "{name}"'
            self._shape.find_key(path, message, code="FP250", hint=_REPEAT_HINTS[name])
        parts = {key.text: self._shape.plain.value(child) for key, child in node.items() if key.text in known}
        return None if missing else {key: NOTHING if part is None else part for key, part in parts.items()}

    def _refuse_executor(self, path: Path, name: str) -> None:
        name, address = split_address(name)
        hint = how_to_install(name)
        if address and name in self._executors:
            hint = f"write {name} alone; its address stands in --executor or in {address_variable(name)}"
        near = nearest(name, self._executors)
        hint = hint or (f'did you mean "{near}"?' if near else "")
        self._shape.find_wrong(path, f"one of {', '.join(self._executors)}", hint=hint or None)

    def _check_names(self, path: Path, node: Node, value: Any) -> None:
        """Check the names that `for_each` and `matrix` bind; whether each has a list is a matter of types."""
        if not isinstance(node, MappingNode):
            return
        for name, items in value.items():
            if path[-1] == "matrix" and name in {"include", "exclude"}:
                self._check_combinations((*path, name), items)
            elif path[-1] == "for_each" and name in _TAKEN_NAMES:
                message = f'"{name}" can\'t be chosen as a name: each.{name} is {_TAKEN_NAMES[name]} of the item'
                self._shape.find_key((*path, name), message, code="FP128", hint="take another name")
            elif not ID.fullmatch(name):
                self._shape.find_key(
                    (*path, name), f'"{short(name)}" is no name', code="FP128", hint=f"names are {ID_FORM}"
                )

    def _check_combinations(self, path: Path, combinations: Any) -> None:
        if not isinstance(combinations, list):
            self._shape.find_wrong(path, "a list of mappings")
            return
        for place, one in enumerate(combinations):
            if not isinstance(one, dict):
                self._shape.find_wrong((*path, place), "a mapping of axes to values")

    def _check_together(self, path: Path, parts: dict[str, Any], kind: str) -> None:
        if "for_each" in parts and "matrix" in parts:
            message = f'{name_of(path)} has both "for_each" and "matrix"'
            self._shape.find_key((*path, "matrix"), message, code="FP129", hint="a task has one of the two")
        if kind == "workflow":
            self._check_sub(path, parts)
        if "with" in parts and kind not in {"python", "workflow", ""}:
            hint = f'the arguments of "{kind}" stand below its key'
            message = f'"with" belongs to the kinds python and workflow, {name_of(path)} has the kind "{kind}"'
            self._shape.find_key((*path, "with"), message, code="FP129", hint=hint)

    def _check_sub(self, path: Path, parts: dict[str, Any]) -> None:
        """Refuse the keys that a task of the kind workflow has no use for."""
        for key in [key for key in parts if key in _OF_ATTEMPTS]:
            message = f'"{key}" is for single tasks, {name_of(path)} is a whole workflow'
            hint = 'set it for the tasks in its file, or give it a value by "with"'
            self._shape.find_key((*path, key), message, code="FP256", hint=hint)
            del parts[key]
