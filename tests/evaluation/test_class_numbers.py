"""Numbers of the two classification tasks equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from automl_cv_client.dataset import row_of
from automl_cv_client.evaluation import evaluate
from automl_cv_client.task import Task
from tests.evaluation.made import classification, multilabel

LABELS = [f"class {n}" for n in range(7)]


def one_class(seed: int, images: int = 150, classes: int = 7):
    random = np.random.default_rng(seed)
    labels = LABELS[:classes]
    truth = random.integers(0, classes, images)
    logits = random.normal(0, 1, (images, classes)) + 2 * np.eye(classes)[truth]
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    rows = [row_of({"image_url": f"{i}.jpg", "label": labels[t]}) for i, t in enumerate(truth)]
    results = {f"{i}.jpg": classification(**dict(zip(labels, map(float, p), strict=True))) for i, p in enumerate(probs)}
    return rows, results, truth, probs, labels


@pytest.mark.parametrize("seed", range(5))
def test_one_class_equals_scikit_learn(seed):
    rows, results, truth, probs, labels = one_class(seed, images=20 if seed == 4 else 150)
    report = evaluate(results, rows)
    chosen = probs.argmax(1)
    scored = metrics.precision_recall_fscore_support(truth, chosen, labels=range(7), zero_division=0)
    used = sorted({*truth.tolist(), *chosen.tolist()})
    expected = {
        "accuracy": metrics.accuracy_score(truth, chosen),
        "macro precision": metrics.precision_score(truth, chosen, labels=used, average="macro", zero_division=0),
        "macro recall": metrics.recall_score(truth, chosen, labels=used, average="macro", zero_division=0),
        "macro F1": metrics.f1_score(truth, chosen, labels=used, average="macro", zero_division=0),
        "weighted F1": metrics.f1_score(truth, chosen, average="weighted", zero_division=0),
        "log loss": metrics.log_loss(truth, probs, labels=range(7)),
    }
    for name, value in expected.items():
        assert report[name] == pytest.approx(value, abs=1e-9), name
    present = [scored[1][i] for i in range(7) if (truth == i).any()]
    assert report["balanced accuracy"] == pytest.approx(np.mean(present), abs=1e-9)
    for i, label in ((i, labels[i]) for i in used):
        (own,) = [each for each in report.classes if each.label == label]
        assert (own.values["precision"], own.values["recall"], own.values["F1"], own.support) == pytest.approx(
            tuple(scored[k][i] for k in range(4)), abs=1e-9
        )
        if (truth == i).any():
            average = metrics.average_precision_score(truth == i, probs[:, i])
            assert own.values["AP"] == pytest.approx(average, abs=1e-9)
    assert report.confusion is not None
    assert np.array_equal(report.confusion.counts, metrics.confusion_matrix(truth, chosen, labels=used))


def test_calibration_is_the_mean_gap_of_ten_ranges():
    rows, results, truth, probs, _ = one_class(1, images=400)
    report = evaluate(results, rows)
    confidence, right = probs.max(1), probs.argmax(1) == truth
    gap = 0.0
    for low in np.arange(10) / 10:
        inside = (confidence > low) & (confidence <= low + 0.1)
        if inside.any():
            gap += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert report["calibration error"] == pytest.approx(gap, abs=1e-9)
    assert sum(each.count for each in report.calibration) == 400


@pytest.mark.parametrize("seed", range(5))
def test_several_labels_equal_scikit_learn(seed):
    random = np.random.default_rng(seed)
    truth = random.random((80, 6)) < random.uniform(0.1, 0.6, 6)
    truth[0] = True  # every label is there once, so that scikit-learn has an average precision for it
    probs = np.round(np.clip(random.normal(0.3, 0.2, truth.shape) + 0.4 * truth, 0, 1), 2)
    labels = LABELS[:6]
    rows = [
        row_of({"image_url": f"{i}.jpg", "label": [labels[j] for j in np.nonzero(t)[0]]}, Task.MULTILABEL)
        for i, t in enumerate(truth)
    ]
    results = {f"{i}.jpg": multilabel(**dict(zip(labels, map(float, p), strict=True))) for i, p in enumerate(probs)}
    report = evaluate(results, rows, threshold=0.4)
    chosen = probs > 0.4
    expected = {
        "micro F1": metrics.f1_score(truth, chosen, average="micro"),
        "macro F1": metrics.f1_score(truth, chosen, average="macro", zero_division=0),
        "micro precision": metrics.precision_score(truth, chosen, average="micro"),
        "micro recall": metrics.recall_score(truth, chosen, average="micro"),
        "mAP": metrics.average_precision_score(truth, probs, average="macro"),
        "exact matches": metrics.accuracy_score(truth, chosen),
        "wrong labels": metrics.hamming_loss(truth, chosen),
    }
    for name, value in expected.items():
        assert report[name] == pytest.approx(value, abs=1e-9), name
    for i, label in enumerate(report.classes):
        threshold, f1 = label.values["best threshold"], label.values["F1 there"]
        assert f1 == pytest.approx(metrics.f1_score(truth[:, i], probs[:, i] > threshold), abs=1e-9)
        others = [metrics.f1_score(truth[:, i], probs[:, i] > t, zero_division=0) for t in np.linspace(0, 1, 101)]
        assert f1 >= max(others) - 1e-9


def test_perfect_predictions_score_one():
    rows = [row_of({"image_url": f"{i}.jpg", "label": label}) for i, label in enumerate(LABELS)]
    results = {
        f"{i}.jpg": classification(**{each: float(each == label) for each in LABELS}) for i, label in enumerate(LABELS)
    }
    report = evaluate(results, rows)
    assert (report["accuracy"], report["macro F1"], report["balanced accuracy"]) == (1.0, 1.0, 1.0)
    assert report["log loss"] == pytest.approx(0, abs=1e-9)
    several = [row_of({"image_url": f"{i}.jpg", "label": LABELS[:i]}, Task.MULTILABEL) for i in range(7)]
    perfect = {f"{i}.jpg": multilabel(**{label: float(label in LABELS[:i]) for label in LABELS}) for i in range(7)}
    report = evaluate(perfect, several)
    assert (report["micro F1"], report["mAP"], report["exact matches"]) == (1.0, 1.0, 1.0)
    assert report.mistakes == ()


def test_a_class_the_model_does_not_know_and_not_a_number_count_as_wrong():
    rows = [row_of({"image_url": "a.jpg", "label": "yak"}), row_of({"image_url": "b.jpg", "label": "cat"})]
    results = {"a.jpg": classification(cat=0.6, dog=0.4), "b.jpg": classification(cat=float("nan"), dog=0.1)}
    report = evaluate(results, rows)
    assert report["accuracy"] == 0.0
    assert [mistake.image_url for mistake in report.mistakes] == ["a.jpg", "b.jpg"]
    assert report.mistakes[0].says == "is 'yak' (0.00), was taken for 'cat' (0.60)"
