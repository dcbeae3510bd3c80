from __future__ import annotations

exec("def made(x): return x")  # noqa: S102 - a function that is not there as source
