"""Trains with PyTorch as its users do: python3 train.py KIND INPUTS TRAINING-FILE TEST-FILE
DEVICE.

A file holds the rows' numbers, then their labels, as 32-bit floats. Answers each line "train BATCH EPOCHS" with the
seconds and the steps of all epochs but the first and the mean loss of the last, and "reach ACCURACY BATCH
SEED" with the seconds and the epochs until the test rows are classified so well, and how well they are.
"""
import os
import sys
import time

import numpy
import torch
from torch import nn

torch.set_num_threads(1)
kind, inputs = sys.argv[1], int(sys.argv[2])
binary, device = kind in ("small", "spambase", "large"), torch.device(sys.argv[5])


def read(file):
    values = torch.from_numpy(numpy.fromfile(file, dtype=numpy.float32)).to(device)
    count = values.numel() // (inputs + 1)
    x, y = values[: count * inputs].view(count, inputs), values[count * inputs :]
    if kind == "cnn":
        x = x.view(count, 1, 28, 28)
    return x, y.view(count, 1) if binary else y.long()


def network():
    if binary:
        hidden = 4096 if kind == "large" else 64
        return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    if kind == "mlp":
        return nn.Sequential(nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 10))
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


criterion = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
all_x, all_y = read(sys.argv[3])
test_x, test_y = read(sys.argv[4])


def epoch(model, optimizer, x, y, batch):
    total, steps = 0.0, 0
    order = torch.randperm(len(x)).to(device)
    x, y = x[order], y[order]
    for i in range(0, len(x), batch):
        optimizer.zero_grad()
        loss = criterion(model(x[i : i + batch]), y[i : i + batch])
        loss.backward()
        optimizer.step()
        steps += 1
        if steps % 16 == 0 or i + batch >= len(x):
            total += loss.item()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return total / ((steps + 15) // 16), steps


def start(seed):
    torch.manual_seed(seed)
    model = network().to(device)
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    model, optimizer = start(int(words[3]) if words[0] == "reach" else 1)
    if words[0] == "train":
        batch, epochs = int(words[1]), int(words[2])
        epoch(model, optimizer, all_x, all_y, batch)
        before, steps, loss = time.perf_counter(), 0, 0.0
        for _ in range(epochs - 1):
            loss, more = epoch(model, optimizer, all_x, all_y, batch)
            steps += more
        print(time.perf_counter() - before, steps, loss, flush=True)
    else:
        accuracy, batch, seconds, epochs, reached = float(words[1]), int(words[2]), 0.0, 0, 0.0
        while reached < accuracy and epochs < 30:
            before = time.perf_counter()
            epoch(model, optimizer, all_x, all_y, batch)
            seconds += time.perf_counter() - before
            epochs += 1
            with torch.no_grad():
                answers = model(test_x)
                right = (answers >= 0) == (test_y > 0) if binary else answers.argmax(1) == test_y
                reached = right.float().mean().item()
        print(seconds, epochs, reached, flush=True)
