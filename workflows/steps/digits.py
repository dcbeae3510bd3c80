"""Handwritten digits, read by support vector machines: a grid of them, scored fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.svm import SVC

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Digits:
    """Pictures of 8 by 8 points and what they show: to learn from, and held out to judge by."""

    pictures: NDArray
    labels: NDArray
    unseen_pictures: NDArray
    unseen_labels: NDArray


class Score(NamedTuple):
    """How many of a fold's pictures, or of all folds', a model with these settings reads."""

    gamma: float
    penalty: float
    accuracy: float


def split(held_out: float) -> Digits:
    """Put a share of scikit-learn's bundled pictures aside."""
    pictures, labels = load_digits(return_X_y=True)
    known, unseen, known_labels, unseen_labels = train_test_split(
        pictures, labels, test_size=held_out, stratify=labels, random_state=0
    )
    return Digits(known, known_labels, unseen, unseen_labels)


def score(data: Digits, gamma: float, penalty: float, fold: int, folds: int) -> Score:
    """Learn from all folds but one, and read that."""
    parts = StratifiedKFold(folds, shuffle=True, random_state=0).split(data.pictures, data.labels)
    learned, asked = list(parts)[fold]
    model = SVC(gamma=gamma, C=penalty).fit(data.pictures[learned], data.labels[learned])
    return Score(gamma, penalty, float(model.score(data.pictures[asked], data.labels[asked])))


def choose(scores: list[Score]) -> Score:
    """Take the settings that are best over all folds; of equals the first."""
    of_settings: dict[tuple[float, float], list[float]] = {}
    for each in scores:
        of_settings.setdefault((each.gamma, each.penalty), []).append(each.accuracy)
    means = [Score(gamma, penalty, fmean(found)) for (gamma, penalty), found in of_settings.items()]
    return max(means, key=lambda mean: mean.accuracy)


def judge(data: Digits, chosen: Score) -> float:
    """Learn from all that is known with the chosen settings, and read what was put aside."""
    model = SVC(gamma=chosen.gamma, C=chosen.penalty).fit(data.pictures, data.labels)
    return float(model.score(data.unseen_pictures, data.unseen_labels))
