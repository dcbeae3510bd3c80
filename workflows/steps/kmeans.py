"""k-means on the globe: places as unit vectors, centres that move until they rest."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_COORDINATES = re.compile(r"([+-]\d{2})(\d{2})(?:\d{2})?([+-]\d{3})(\d{2})(?:\d{2})?")


class Place(NamedTuple):
    """A zone's city as a point of the unit sphere."""

    zone: str
    x: float
    y: float
    z: float


@dataclass(frozen=True)
class Centres:
    """Where the centres are after a step, how far the farthest of them moved, and how well they fit."""

    points: list[tuple[float, float, float]]
    moved: float
    error: float


def load(file: Path) -> list[Place]:
    """Read the places of the time zones."""
    with file.open(newline="") as rows:
        return [_place(row["zone"], row["coordinates"]) for row in csv.DictReader(rows)]


def _place(zone: str, coordinates: str) -> Place:
    found = _COORDINATES.fullmatch(coordinates)
    if found is None:
        raise ValueError(f"{zone} has the odd coordinates {coordinates}")
    degrees, minutes, degrees_east, minutes_east = found.groups()
    north = math.radians(float(degrees) + math.copysign(float(minutes) / 60, float(degrees)))
    east = math.radians(float(degrees_east) + math.copysign(float(minutes_east) / 60, float(degrees_east)))
    return Place(zone, math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north))


def spread(places: list[Place], count: int) -> Centres:
    """Choose the first centres: each one the place that is farthest from those before."""
    chosen = [places[0]]
    while len(chosen) < count:
        chosen.append(max(places, key=lambda place: min(math.dist(place[1:], centre[1:]) for centre in chosen)))
    return Centres([centre[1:] for centre in chosen], math.inf, math.inf)


def step(places: list[Place], centres: Centres) -> Centres:
    """Move each centre to the middle of the places that are nearest to it."""
    members: dict[int, list[Place]] = {}
    error = 0.0
    for place in places:
        distances = [math.dist(place[1:], centre) for centre in centres.points]
        nearest = distances.index(min(distances))
        members.setdefault(nearest, []).append(place)
        error += min(distances) ** 2
    points = [_middle(members[index]) if index in members else centre for index, centre in enumerate(centres.points)]
    moved = max(math.dist(*pair) for pair in zip(points, centres.points, strict=True))
    return Centres(points, moved, error)


def _middle(places: list[Place]) -> tuple[float, float, float]:
    return tuple(sum(axis) / len(places) for axis in zip(*(place[1:] for place in places), strict=True))  # type: ignore[return-value]


def sizes(places: list[Place], centres: Centres) -> list[int]:
    """Count the places of each centre, the largest first."""
    counts = [0] * len(centres.points)
    for place in places:
        distances = [math.dist(place[1:], centre) for centre in centres.points]
        counts[distances.index(min(distances))] += 1
    return sorted(counts, reverse=True)
