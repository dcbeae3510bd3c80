"""What this machine has: memory within its container, devices as CUDA reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.execute import machine
from flowpar.execute.machine import gpu_devices, memory_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("", ()),
        ("-1", ()),
        ("0", ("0",)),
        ("0, 2", ("0", "2")),
        ("GPU-8932f937,1", ("GPU-8932f937", "1")),
        ("1,-1,2", ("1",)),
        ("1,,2", ("1",)),
    ],
)
def test_visible_devices_are_those_that_cuda_would_see(
    visible: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert gpu_devices() == expected


@pytest.fixture
def unbound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "_NVIDIA", tmp_path / "gpus")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_all_devices_of_the_driver_are_numbered(unbound: Path) -> None:
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (unbound / "gpus" / bus).mkdir(parents=True)

    assert gpu_devices() == ("0", "1")


@pytest.mark.parametrize(
    ("script", "expected"),
    [("echo 0; echo 1", ("0", "1")), ("echo no devices were found; exit 6", ()), ("echo [N/A]", ())],
)
def test_the_driver_s_own_command_is_asked_where_there_is_one(
    unbound: Path, script: str, expected: tuple[str, ...]
) -> None:
    program = unbound / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)

    assert gpu_devices() == expected


def test_there_may_be_no_devices(unbound: Path) -> None:
    assert not (unbound / "gpus").exists()
    assert gpu_devices() == ()


def test_a_container_may_use_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory_bytes()
    (tmp_path / "memory.max").write_text("1048576\n")
    (tmp_path / "unlimited").write_text("max\n")

    monkeypatch.setattr(machine, "_CGROUPS", (str(tmp_path / "memory.max"), str(tmp_path / "nowhere")))
    shared = memory_bytes()
    monkeypatch.setattr(machine, "_CGROUPS", (str(tmp_path / "unlimited"),))

    assert shared == 1048576
    assert whole is None or memory_bytes() == pytest.approx(whole)
