"""How constants and names stand in a normal form: with their length, so that none can pass for another."""

from __future__ import annotations


def text_token(text: str) -> bytes:
    """Return the form of a text."""
    content = text.encode("utf-8", "surrogatepass")
    return b"s%d:%b" % (len(content), content)


def name_token(mark: bytes, name: str) -> bytes:
    """Return the form of a name; the mark says what kind of name it is."""
    content = name.encode("utf-8", "surrogatepass")
    return b"%b%d:%b;" % (mark, len(content), content)


def constant(value: object) -> bytes:
    """Return the form of a constant by its type and value; integers in base 16, of which any may be long."""
    match value:
        case str():
            return text_token(value)
        case bytes():
            return b"b%d:%b" % (len(value), value)
        case bool() | None:
            return repr(value).encode()
        case int():
            return b"i%x;" % value if value >= 0 else b"i-%x;" % -value
        case complex():
            return f"c{value.real!r},{value.imag!r};".encode()
        case _:
            return f"{type(value).__name__}{value!r};".encode()
