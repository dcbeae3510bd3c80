"""What a Markdown page shows, as files and commands."""

from __future__ import annotations

import pytest

from flowpar.testing.page import Command, blocks, commands, shows

PAGE = """# Title

`flow.yaml`, beside it:

```yaml
flowpar: 1
```

## More

```python
# steps/words.py
x = 1
```

* a list

  ```console
  $ flowpar check flow.yaml
  $ flowpar run flow.yaml -i top=2  # exits 2
  first … line
  ```

```text
# not a heading
```
"""


def test_blocks_have_language_text_section_and_place() -> None:
    found = [(block.language, block.text, block.section, block.line) for block in blocks(PAGE)]

    assert found[0] == ("yaml", "flowpar: 1\n", "Title", 5)
    assert found[1] == ("python", "# steps/words.py\nx = 1\n", "More", 11)
    assert [(language, section) for language, _, section, _ in found[2:]] == [("console", "More"), ("text", "More")]


def test_a_file_is_named_before_its_block_or_in_its_first_line() -> None:
    assert [block.name for block in blocks(PAGE)] == ["flow.yaml", "steps/words.py", None, None]


def test_commands_have_output_and_exit_code() -> None:
    console = list(blocks(PAGE))[2]

    assert list(commands(console)) == [
        Command("flowpar check flow.yaml", (), 0),
        Command("flowpar run flow.yaml -i top=2", ("first … line",), 2),
    ]


@pytest.mark.parametrize(
    ("expected", "line", "is_shown"),
    [
        ("a … c", "a b c", True),
        ("a … c", "a b d", False),
        ("…", "anything", True),
        ("a.c", "abc", False),
        ("  a  ", "a", True),
    ],
)
def test_an_ellipsis_stands_for_anything(expected: str, line: str, *, is_shown: bool) -> None:
    assert shows(expected, line) is is_shown
