"""Time zones from CSV rows: coordinates in ISO 6709 become degrees."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass

COORDINATES = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


@dataclass(frozen=True)
class Zone:
    """A time zone and where its principal city lies, in degrees."""

    name: str
    area: str
    countries: int
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Area:
    """The zones of one area together."""

    area: str
    zones: int
    northernmost: str
    southernmost: str


def parse(text: str) -> list[Zone]:
    """Read CSV rows of countries, coordinates, name and comments."""
    return [_zone(*row[:3]) for row in csv.reader(io.StringIO(text))]


def _zone(countries: str, coordinates: str, name: str) -> Zone:
    match = COORDINATES.fullmatch(coordinates)
    if match is None:
        raise ValueError(f"zone {name} has no coordinates in ISO 6709: {coordinates!r}")
    latitude, longitude = _degrees(*match.groups()[:4]), _degrees(*match.groups()[4:])
    return Zone(name, name.partition("/")[0], len(countries.split(",")), latitude, longitude)


def _degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return round(-value if sign == "-" else value, 4)


def by_area(zones: list[Zone]) -> list[Area]:
    """Sum up each area, the one with the most zones first."""
    areas: dict[str, list[Zone]] = defaultdict(list)
    for zone in zones:
        areas[zone.area].append(zone)
    summed = [_area(area, members) for area, members in areas.items()]
    return sorted(summed, key=lambda area: (-area.zones, area.area))


def _area(area: str, zones: list[Zone]) -> Area:
    ordered = sorted(zones, key=lambda zone: zone.latitude)
    return Area(area, len(zones), ordered[-1].name, ordered[0].name)


def south_of(zones: list[Zone], latitude: float) -> list[Zone]:
    """Return the zones south of `latitude`, the southernmost first."""
    return sorted((zone for zone in zones if zone.latitude < latitude), key=lambda zone: zone.latitude)
