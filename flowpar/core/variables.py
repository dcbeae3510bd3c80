"""Environment variables and arguments that flowpar makes up by itself."""

from __future__ import annotations

from typing import Final

# The value of an expression in a shell text travels as a variable of this name and a number.
SHELL_VALUE: Final = "FLOWPAR_VALUE_"
# Where a shell task writes its lines `name=value`.
OUTPUT_FILE: Final = "FLOWPAR_OUTPUT"
# The argument of a script that says where it stands, for tracebacks alone.
SCRIPT_PLACE: Final = "__place"
# The argument that is the text of a script.
SCRIPT_TEXT: Final = "__text"
# The kernel refuses a single word of 128 KiB, wherever it comes from.
MAX_WORD_BYTES: Final = 100 * 1024
