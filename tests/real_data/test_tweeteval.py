"""TweetEval: a published model's predictions on real tasks score what scikit-learn says they score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trueline.service.workspace import Workspace

ROWS = {
    "emoji": 50_000,
    "emotion": 1_421,
    "hate": 2_970,
    "irony": 784,
    "offensive": 860,
    "sentiment": 12_284,
    "stance/abortion": 280,
    "stance/atheism": 220,
    "stance/climate": 169,
    "stance/feminist": 285,
    "stance/hillary": 295,
}
PUBLISHED = {
    "emoji": ("macro F1", 0.3155243507716184),
    "emotion": ("macro F1", 0.7982724123055319),
    "hate": ("macro F1", 0.5547114323640362),
    "irony": ("F1 of class 1", 0.6247755834829444),
    "offensive": ("macro F1", 0.815509211242485),
    "sentiment": ("macro recall", 0.7285672376332831),
}
LINES_AT_ONCE = 10_000
EXACT = 1e-12
MOMENT = "2024-01-01T00:00:00Z"


def labels_of(folder: Path, task: str) -> list[str]:
    """The names of a task's classes in their order; of an emoji's three columns the last one is its name."""
    mapping = folder / "datasets" / task.partition("/")[0] / "mapping.txt"
    named = [line.split("\t") for line in mapping.read_text(encoding="utf-8").splitlines() if line]
    assert [int(parts[0]) for parts in named] == list(range(len(named)))
    return [parts[2].strip() if len(parts) > 2 else parts[1].strip() for parts in named]


def classes_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text(encoding="utf-8").split()]


def score(
    workspace: Workspace, title: str, labels: list[str], predicted: list[int], gold: list[int]
) -> dict[str, object]:
    """What the product says of predictions taken as decisions, with the gold labels given as votes."""
    job = workspace.jobs.create(title=title, labels=labels)
    lines = [
        json.dumps(
            {
                "event_id": str(number),
                "timestamp": MOMENT,
                "raw_body": {},
                "decision": {"label": labels[decision], "decided_at": MOMENT},
                "votes": [{"analyst": "gold", "label": labels[truth], "at": MOMENT}],
            }
        ).encode()
        for number, (decision, truth) in enumerate(zip(predicted, gold, strict=True))
    ]
    for first in range(0, len(lines), LINES_AT_ONCE):
        batch = lines[first : first + LINES_AT_ONCE]
        answer = workspace.ingest.bulk(job, batch)
        assert (answer.accepted, answer.replaced, answer.rejected) == (len(batch), 0, [])
    return workspace.metrics.job(job.id, truth="explicit")


@pytest.mark.parametrize("task", ROWS)
def test_scores_are_those_of_scikit_learn_and_of_the_paper(
    task: str, workspace: Workspace, shared_data: Path, fresh_title: Callable[[], str]
) -> None:
    folder = shared_data / "tweeteval"
    labels = labels_of(folder, task)
    gold = classes_in(folder / "datasets" / task / "test_labels.txt")
    predicted = classes_in(folder / "predictions" / f"{task}.txt")
    assert len(gold) == ROWS[task]

    body = score(workspace, fresh_title(), labels, predicted, gold)

    matrix = confusion_matrix(gold, predicted, labels=range(len(labels)))
    assert body["confusion_matrix"] == matrix.tolist()
    assert body["total_events"] == body["total_events_with_consensus"] == len(gold)
    assert body["overall_accuracy"] == pytest.approx(accuracy_score(gold, predicted), abs=EXACT, rel=0)

    macro = precision_recall_fscore_support(gold, predicted, average="macro", zero_division=0)[:3]
    overall = [body["overall_precision"], body["overall_recall"], body["overall_f1_score"]]
    assert overall == pytest.approx(list(macro), abs=EXACT, rel=0)

    per_class = precision_recall_fscore_support(
        gold, predicted, labels=range(len(labels)), average=None, zero_division=0
    )
    per_decision = body["metrics_per_decision"]
    assert isinstance(per_decision, dict)
    assert list(per_decision) == labels
    for index, name in enumerate(("precision", "recall", "f1_score")):
        found = [per_decision[label][name] for label in labels]
        assert found == pytest.approx(per_class[index].tolist(), abs=EXACT, rel=0), name
    for index, label in enumerate(labels):
        each = per_decision[label]
        assert each["true_positives"] == matrix[index, index]
        assert each["true_positives"] + each["false_negatives"] == per_class[3][index]
        assert sum(count for name, count in each.items() if name.endswith("tives")) == len(gold)

    if task in PUBLISHED:
        what, figure = PUBLISHED[task]
        said = {
            "macro F1": body["overall_f1_score"],
            "macro recall": body["overall_recall"],
            "F1 of class 1": per_decision[labels[1]]["f1_score"],
        }
        assert said[what] == pytest.approx(figure, abs=EXACT, rel=0)
