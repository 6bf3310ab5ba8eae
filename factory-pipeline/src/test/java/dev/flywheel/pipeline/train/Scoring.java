package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.serving.BatchPacker;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Runs trained models as they are served: written to a file, opened as an endpoint, fed with raw columns. */
final class Scoring {

    private Scoring() {}

    /** The exported model's predictions for all rows, [rows, outputs] row-major. */
    static double[] score(FittedFeatures features, TrainedModel model, Dataset data) {
        List<Column> inputs = data.schema().columns().stream()
                .filter(column -> !column.name().startsWith("$"))
                .toList();
        try {
            Path file = Files.createTempFile("model", ".onnx");
            try {
                ModelExport.write(features, model, file);
                if (model.outputs() > 1) {
                    return scoreOnLane(file, data, model.outputs());
                }
                try (Endpoint<Row, Double> endpoint = Endpoint.onnx(
                                file, Codec.rows(Row.type(Schema.of(inputs)), value -> value))
                        .open()) {
                    return endpoint.score(data);
                }
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double[] scoreOnLane(Path file, Dataset data, int outputs) {
        double[] scores = new double[(int) data.rows() * outputs];
        int next = 0;
        try (OnnxEngine engine = OnnxEngine.open(file);
                Lane lane = engine.newLane(256);
                Scan scan = data.scan()) {
            BatchPacker packer = BatchPacker.of(lane, data.schema());
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int from = 0; from < batch.rows(); from += lane.maxRows()) {
                    int count = Math.min(lane.maxRows(), batch.rows() - from);
                    packer.pack(batch, from, count);
                    lane.run(count);
                    FloatBuffer found = lane.output(0).bytes().asFloatBuffer();
                    for (int i = 0; i < count * outputs; i++) {
                        scores[next++] = found.get(i);
                    }
                }
            }
        }
        return scores;
    }

    /** The share of rows whose most probable class is their label. */
    static double accuracy(double[] scores, double[] labels) {
        int classes = scores.length / labels.length;
        int right = 0;
        for (int row = 0; row < labels.length; row++) {
            int best = 0;
            for (int i = 1; i < classes; i++) {
                best = scores[row * classes + i] > scores[row * classes + best] ? i : best;
            }
            right += best == labels[row] ? 1 : 0;
        }
        return right / (double) labels.length;
    }

    static double rmse(double[] scores, double[] labels) {
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            sum += (scores[i] - labels[i]) * (scores[i] - labels[i]);
        }
        return Math.sqrt(sum / scores.length);
    }

    static double logLoss(double[] scores, double[] labels) {
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            sum -= Math.log(Math.max(1e-12, labels[i] == 1 ? scores[i] : 1 - scores[i]));
        }
        return sum / scores.length;
    }

    /** The area under the ROC curve by ranks; ties count half. */
    static double auc(double[] scores, double[] labels) {
        double[] positive = chosen(scores, labels, 1);
        double[] negative = chosen(scores, labels, 0);
        double wins = 0;
        int below = 0;
        int upTo = 0;
        for (double score : positive) {
            while (below < negative.length && negative[below] < score) {
                below++;
            }
            while (upTo < negative.length && negative[upTo] <= score) {
                upTo++;
            }
            wins += (below + upTo) / 2.0;
        }
        return wins / ((double) positive.length * negative.length);
    }

    private static double[] chosen(double[] scores, double[] labels, double label) {
        double[] chosen = new double[scores.length];
        int count = 0;
        for (int i = 0; i < scores.length; i++) {
            if (labels[i] == label) {
                chosen[count++] = scores[i];
            }
        }
        double[] sorted = Arrays.copyOf(chosen, count);
        Arrays.sort(sorted);
        return sorted;
    }
}
