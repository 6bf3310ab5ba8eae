"""Writes metrics.json: metrics of small data sets with many ties, as scikit-learn computes them.

DeLong's covariance is computed from its definition (every pair of rows), not from midranks.
Run with scikit-learn 1.2 and numpy: python3 make_metrics_fixture.py > metrics.json
"""
import json

import numpy as np
from sklearn import metrics as m


def placements(y, s):
    pos, neg = s[y == 1], s[y == 0]
    wins = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    return wins.mean(axis=1), wins.mean(axis=0)


def delong_se(y, a, b=None):
    v10, v01 = placements(y, a)
    if b is not None:
        w10, w01 = placements(y, b)
        v10, v01 = v10 - w10, v01 - w01
    return float(np.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)))


def ece(y, s):
    bins = np.minimum((s * 10).astype(int), 9)
    return float(sum(abs((s - y)[bins == k].sum()) for k in range(10)) / len(y))


def mean_se(d):
    return float(d.std(ddof=1) / np.sqrt(len(d)))


def binary(y, s):
    p = s >= 0.5
    fpr, tpr, _ = m.roc_curve(y, s, drop_intermediate=False)
    loss = -np.log(np.clip(np.where(y == 1, s, 1 - s), 1e-15, 1 - 1e-15))
    return {
        "ROC_AUC": m.roc_auc_score(y, s), "PR_AUC": m.average_precision_score(y, s), "LOG_LOSS": m.log_loss(y, s),
        "BRIER": m.brier_score_loss(y, s), "ACCURACY": m.accuracy_score(y, p), "F1": m.f1_score(y, p), "ECE": ece(y, s),
        "delong_se": delong_se(y, s), "log_loss_se": mean_se(loss), "brier_se": mean_se((s - y) ** 2),
        "confusion": m.confusion_matrix(y, p).ravel().tolist(), "mcc": m.matthews_corrcoef(y, p),
        "precision": m.precision_score(y, p), "recall": m.recall_score(y, p),
        "roc": [fpr.tolist(), tpr.tolist()],
    }


rng = np.random.default_rng(7)
cases = []
for n, rate, digits in [(12, 0.5, 1), (60, 0.3, 1), (300, 0.2, 2), (1000, 0.05, 3), (400, 0.9, 6)]:
    y = (rng.random(n) < rate).astype(float)
    y[:2] = [0, 1]
    logit = np.log(rate / (1 - rate)) + 1.2 * (y - rate)
    a = np.round(1 / (1 + np.exp(-(logit + rng.normal(0, 1, n)))), digits)
    b = np.round(1 / (1 + np.exp(-(logit + rng.normal(0, 1.3, n)))), digits)
    log = lambda s: -np.log(np.clip(np.where(y == 1, s, 1 - s), 1e-15, 1 - 1e-15))
    cases.append({
        "labels": y.tolist(), "a": a.tolist(), "b": b.tolist(), "metrics_a": binary(y, a), "metrics_b": binary(y, b),
        "difference": {"delong_se": delong_se(y, a, b), "log_loss_se": mean_se(log(a) - log(b)),
                       "brier_se": mean_se((a - y) ** 2 - (b - y) ** 2)},
    })

regressions = []
for n in (10, 250):
    y = np.round(rng.normal(20, 6, n), 2)
    a = np.round(y + rng.normal(0.5, 2, n), 2)
    b = np.round(y + rng.standard_t(3, n) * 2, 2)
    one = lambda s: {"RMSE": m.mean_squared_error(y, s, squared=False), "MAE": m.mean_absolute_error(y, s),
                     "R2": m.r2_score(y, s), "mae_se": mean_se(abs(y - s)),
                     "rmse_se": mean_se((y - s) ** 2) / 2 / m.mean_squared_error(y, s, squared=False)}
    ra, rb = (m.mean_squared_error(y, s, squared=False) for s in (a, b))
    regressions.append({
        "labels": y.tolist(), "a": a.tolist(), "b": b.tolist(), "metrics_a": one(a), "metrics_b": one(b),
        "difference": {"mae_se": mean_se(abs(y - a) - abs(y - b)),
                       "rmse_se": mean_se((y - a) ** 2 / (2 * ra) - (y - b) ** 2 / (2 * rb))},
    })

print(json.dumps({"binary": cases, "regression": regressions}))
