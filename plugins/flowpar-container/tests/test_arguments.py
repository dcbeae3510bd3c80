"""How keys become the arguments of an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowpar_container.arguments import Container, check, command_of, mount_of, name_of

HERE = Path("/project")


def test_the_least_is_removed_when_it_is_over_and_has_an_init() -> None:
    assert Container("alpine:3", "one").run_arguments("docker", folder=HERE) == [
        "docker",
        "run",
        "--rm",
        "--init",
        "--name=one",
        "--pull=missing",
        "alpine:3",
    ]


def test_each_key_has_its_argument_and_values_of_variables_have_none() -> None:
    what = Container(
        "alpine:3",
        "one",
        ["echo", "$HOME; --rm"],
        {"data": "/data", "out": "/out:rw"},
        ["TOKEN"],
        "/work",
        "1000:1000",
        "none",
        "never",
        1.5,
        "512m",
        ["--read-only"],
    )

    assert what.run_arguments("podman", folder=HERE)[4:] == [
        "--name=one",
        "--pull=never",
        "--workdir=/work",
        "--user=1000:1000",
        "--network=none",
        "--cpus=1.5",
        "--memory=512m",
        "--mount=type=bind,source=/project/data,target=/data,readonly",
        "--mount=type=bind,source=/project/out,target=/out",
        "--env=TOKEN",
        "--read-only",
        "alpine:3",
        "echo",
        "$HOME; --rm",
    ]


@pytest.mark.parametrize(
    ("here", "there", "mount"),
    [
        ("a", "/a", "type=bind,source=/project/a,target=/a,readonly"),
        ("../a", "/a:ro", "type=bind,source=/a,target=/a,readonly"),
        ("/abs", "/a:rw", "type=bind,source=/abs,target=/a"),
        ("a,b", "/a:x", 'type=bind,"source=/project/a,b",target=/a:x,readonly'),
    ],
)
def test_a_mount_is_absolute_and_read_only_unless_it_says_otherwise(here: str, there: str, mount: str) -> None:
    assert mount_of(here, there, HERE) == mount


def test_a_text_is_for_the_shell_and_a_list_for_itself() -> None:
    assert command_of("a && b") == ["sh", "-euc", "a && b"]
    assert command_of(["a", "b c"]) == ["a", "b c"]
    assert command_of(None) == []


def test_a_name_is_of_one_attempt_and_has_letters_that_engines_take() -> None:
    assert name_of("20260101-run", "part/work", None, 2) == "flowpar-20260101-run-part_work-2"
    assert name_of("r", "t", "a b/ä", 1) == "flowpar-r-t-a_b_-1"


@pytest.mark.parametrize(
    ("arguments", "argument", "message"),
    [
        ({"image": "-v"}, "image", '"-v" is no name of an image'),
        ({"image": "a b"}, "image", '"a b" is no name of an image'),
        ({"image": "registry:5000/alpine"}, "image", "an image without a tag may change any day"),
        ({"image": "a:1", "mounts": {"x": "data"}}, "mounts", '"data" is no absolute path in the container'),
        ({"image": "a:1", "env": {"A B": "1"}}, "env", '"A B" is no name of a variable'),
    ],
)
def test_what_is_wrong_is_found_before_the_run(arguments: dict[str, object], argument: str, message: str) -> None:
    (finding,) = check(arguments)

    assert (finding.argument, finding.message) == (argument, message)


@pytest.mark.parametrize("image", ["alpine:3", "host:5000/a/b:1", "a@sha256:00", None])
def test_nothing_is_said_of_what_may_be_right(image: str | None) -> None:
    assert list(check({"image": image, "mounts": {"x": "/data:rw"}})) == []
