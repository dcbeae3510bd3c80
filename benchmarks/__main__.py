"""Run benchmarks and print each figure with its goal: `python -m benchmarks [NAMES] [--repeats N]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.catalogue import BENCHMARKS
from benchmarks.measure import Failed, LeftOut
from benchmarks.workloads import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Print each figure as soon as it is measured; return 1 where a benchmark could not be run."""
    options = _parser().parse_args(arguments)
    if options.workloads:
        os.environ[VARIABLE] = str(Path(options.workloads).resolve())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    print(f"median, minimum and maximum of {options.repeats} rounds in turn; ratios unless a unit is given", flush=True)
    reached, failed = [], []
    for name in options.names or [name for name in BENCHMARKS if options.peers or name != "peers"]:
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                for figure in BENCHMARKS[name](Path(folder), repeats=options.repeats, tiny=options.tiny):
                    print(figure.line(is_judged=not options.tiny), flush=True)
                    reached.append(figure.is_reached)
            except LeftOut as missing:
                print(f"left out: {missing}", flush=True)
            except Failed as failure:
                failed.append(name)
                print(f"not measured: {failure}", flush=True)
    if (judged := len(reached) - reached.count(None)) and not options.tiny:
        print(f"\n{reached.count(True)} of {judged} goals reached")
    if failed:
        print(f"could not be run: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", type=_name, metavar="NAME", help=f"which to run (all by default): {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--repeats", type=_count, default=5, metavar="N", help="rounds of each (default: 5)")
    parser.add_argument(
        "--peers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run other engines, too, each in an environment of its own (default: yes)",
    )
    parser.add_argument(
        "--workloads",
        metavar="DIR",
        help=f"recorded graphs, with folders taskbench and wfformat (default: ${VARIABLE})",
    )
    parser.add_argument(
        "--tiny", action="store_true", help="smallest sizes, to see that it works; says nothing of speed"
    )
    return parser


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f'there is no benchmark "{text}"; there are {", ".join(BENCHMARKS)}')
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number of rounds, 1 or more')
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
