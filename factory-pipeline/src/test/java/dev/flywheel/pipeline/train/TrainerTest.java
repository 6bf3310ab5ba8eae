package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {

    @TempDir
    Path directory;

    private double quality(String file, Csv csv, Target<?> target, IntPredicate isTest, Trainer trainer, Metric metric)
            throws Exception {
        Ingested<Row> in = csv.rows(target).ingest(Ingestion.into(directory));
        Dataset train = part(in.dataset(), isTest.negate());
        Dataset test = part(in.dataset(), isTest);
        FittedFeatures features = Features.auto().fit(train);
        FeatureMatrix matrix = features.matrix(train);
        long start = System.nanoTime();
        TrainedModel model = trainer.train(matrix, target, 42, epoch -> {});
        double seconds = (System.nanoTime() - start) / 1e9;
        Path artifact = Files.createDirectory(directory.resolve("artifact-" + System.nanoTime()));
        Signature signature = ModelExport.write(features, model, artifact.resolve("model.onnx"));
        FeatureMatrix testMatrix = features.matrix(test);
        double[] djl = model.predict(testMatrix);
        try (Endpoint<Row, Double> endpoint = Endpoint.of(
                        Artifact.seal(artifact, "model.onnx", signature), Codec.rows(in.type(), v -> v))
                .open()) {
            double[] scores = score(endpoint, in, test);
            for (int i = 0; i < scores.length; i++) {
                assertThat(scores[i]).isCloseTo(djl[i], within(1e-5 * Math.max(1, Math.abs(djl[i]))));
            }
            double value = Metrics.estimate(metric, testMatrix.labels(), scores).value();
            System.err.printf("QUALITY %s %s %s %.4f in %.1f s%n", file, trainer.describe(), metric, value, seconds);
            return value;
        }
    }

    private static double[] score(Endpoint<Row, Double> endpoint, Ingested<Row> in, Dataset test) {
        java.util.List<Row> rows = new java.util.ArrayList<>();
        try (Scan scan = test.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    rows.add(in.type().read(batch.row(row)));
                }
            }
        }
        return endpoint.predictAll(rows).stream().mapToDouble(p -> p.value()).toArray();
    }

    private Dataset part(Dataset all, IntPredicate chosen) {
        try (Dataset.Writer writer = Dataset.writer(directory, all.schema());
                Scan scan = all.scan()) {
            int at = 0;
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    if (chosen.test(at++)) {
                        batch.row(row).copyTo(writer);
                        writer.endRow();
                    }
                }
            }
            return writer.finish();
        }
    }

    private static Path data(String name) {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            Path file = folder.resolve("shared/data/" + name + ".csv.gz");
            if (Files.exists(file)) {
                return file;
            }
        }
        assumeTrue(false, "shared/data/" + name + ".csv.gz is absent");
        throw new AssertionError();
    }

    private static boolean mod5(int row) {
        return row % 5 == 4;
    }

    @Test
    void churn() throws Exception {
        Csv csv = Csv.files(data("telco_churn"));
        assertThat(quality(
                        "churn", csv, Target.isTrue("churn"), TrainerTest::mod5, Trainers.logistic(), Metric.ROC_AUC))
                .isGreaterThan(0.835);
        quality("churn", csv, Target.isTrue("churn"), TrainerTest::mod5, Trainers.mlp(32, 16), Metric.ROC_AUC);
    }

    @Test
    void diamonds() throws Exception {
        Csv csv = Csv.files(data("diamonds"));
        Target<Double> price = Target.number("price").onLogScale();
        quality("diamonds", csv, price, TrainerTest::mod5, Trainers.linear(), Metric.RMSE);
        quality("diamonds", csv, price, TrainerTest::mod5, Trainers.mlp(64, 32), Metric.RMSE);
    }

    @Test
    void chicago() throws Exception {
        Csv csv = Csv.files(data("chicago_ridership")).eventTime("date");
        quality("chicago", csv, Target.number("ridership"), i -> i >= 4727, Trainers.linear(), Metric.RMSE);
        quality("chicago", csv, Target.number("ridership"), i -> i >= 4727, Trainers.mlp(64, 32), Metric.RMSE);
    }

    @Test
    void flights() throws Exception {
        Csv csv = Csv.files(data("flights")).eventTime("dep_time");
        quality("flights", csv, Target.atLeast("delay", 15), i -> i >= 147791, Trainers.logistic(), Metric.ROC_AUC);
        quality("flights", csv, Target.atLeast("delay", 15), i -> i >= 147791, Trainers.logistic(), Metric.LOG_LOSS);
        quality("flights", csv, Target.atLeast("delay", 15), i -> i >= 147791, Trainers.mlp(64, 32), Metric.ROC_AUC);
    }
}
