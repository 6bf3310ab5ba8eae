package dev.flywheel.pipeline.train;

import static dev.flywheel.pipeline.feature.Transform.missingAt;
import static dev.flywheel.pipeline.feature.Transform.standardize;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What trainers reach on real data without naming a setting, measured through the exported model. */
class QualityTest {

    private static final Logger log = LoggerFactory.getLogger(QualityTest.class);

    @TempDir
    Path folder;

    private static boolean fifth(int row, List<String> cells) {
        return row % 5 == 4;
    }

    private record Result(double auc, double logLoss, double rmse) {}

    /** A data set, split and featurized once for several trainers. */
    private final class Bench {

        private final String name;
        private final Target<?> target;
        private final Dataset test;
        private final FittedFeatures features;
        private final FeatureMatrix train;

        Bench(
                String name,
                Target<?> target,
                ToDoubleFunction<List<String>> label,
                RealData data,
                BiPredicate<Integer, List<String>> isTest,
                Features<Row> features,
                String... dropped) {
            this.name = name;
            this.target = target;
            this.test = data.examples(folder, isTest, label, dropped);
            Dataset examples = data.examples(folder, isTest.negate(), label, dropped);
            this.features = features.fit(examples);
            this.train = this.features.matrix(examples);
        }

        Result run(Trainer trainer) {
            long start = System.nanoTime();
            TrainedModel model = trainer.train(train, target, 42, epoch -> {});
            double seconds = (System.nanoTime() - start) / 1e9;
            double[] scores = Scoring.score(features, model, test);
            double[] labels = features.matrix(test).labels();
            Result result = target.task() == Task.BINARY
                    ? new Result(Scoring.auc(scores, labels), Scoring.logLoss(scores, labels), Double.NaN)
                    : new Result(Double.NaN, Double.NaN, Scoring.rmse(scores, labels));
            log.info("{} {}: {} in {} s", name, trainer.describe(), result, seconds);
            return result;
        }
    }

    @Test
    void learnsWhoChurns() {
        RealData data = RealData.read("telco_churn");
        Bench bench = new Bench(
                "telco_churn",
                Target.isTrue("churn"),
                row -> data.cell(row, "churn").equals("Yes") ? 1 : 0,
                data,
                QualityTest::fifth,
                Features.auto(),
                "churn");
        assertThat(bench.run(Trainers.logistic()).auc()).isGreaterThan(0.836);
        assertThat(bench.run(Trainers.mlp(64, 32)).auc()).isGreaterThan(0.834);
    }

    @Test
    void learnsWhoLikedTheFood() {
        RealData data = RealData.read("food_reviews");
        Bench bench = new Bench(
                "food_reviews",
                Target.equal("score", "great"),
                row -> data.cell(row, "score").equals("great") ? 1 : 0,
                data,
                (number, row) -> data.cell(row, "split").equals("test"),
                Features.rows().words("review"),
                "score",
                "split");
        assertThat(bench.run(Trainers.logistic()).auc()).isGreaterThan(0.87);
    }

    @Test
    void learnsWhatSpamIs() {
        RealData data = RealData.read("spambase");
        Bench bench = new Bench(
                "spambase",
                Target.equal("type", "spam"),
                row -> data.cell(row, "type").equals("spam") ? 1 : 0,
                data,
                QualityTest::fifth,
                Features.auto(),
                "type");
        assertThat(bench.run(Trainers.logistic()).auc()).isGreaterThan(0.973);
        assertThat(bench.run(Trainers.mlp(64, 32)).auc()).isGreaterThan(0.981);
    }

    @Test
    void learnsWhoPaysBack() {
        RealData data = RealData.read("credit_data");
        Bench bench = new Bench(
                "credit_data",
                Target.equal("status", "bad"),
                row -> data.cell(row, "status").equals("bad") ? 1 : 0,
                data,
                QualityTest::fifth,
                Features.auto(),
                "status");
        assertThat(bench.run(Trainers.logistic()).auc()).isGreaterThan(0.816);
        assertThat(bench.run(Trainers.mlp(64, 32)).auc()).isGreaterThan(0.826);
    }

    @Test
    void learnsHowManyRideTheTrain() {
        RealData data = RealData.read("chicago_ridership");
        Bench bench = new Bench(
                "chicago_ridership",
                Target.number("ridership"),
                row -> Double.parseDouble(data.cell(row, "ridership")),
                data,
                (row, cells) -> data.cell(cells, "date").compareTo("2014") >= 0,
                Features.auto(),
                "ridership");
        assertThat(bench.run(Trainers.linear()).rmse()).isLessThan(2.57);
        assertThat(bench.run(Trainers.mlp(64, 32)).rmse()).isLessThan(2.42);
    }

    @Test
    void learnsWhatADiamondCosts() {
        RealData data = RealData.read("diamonds");
        ToDoubleFunction<List<String>> price = row -> Double.parseDouble(data.cell(row, "price"));
        Target<Double> target = Target.number("price").onLogScale();
        Bench plain = new Bench("diamonds", target, price, data, QualityTest::fifth, Features.auto(), "price");
        assertThat(plain.run(Trainers.linear()).rmse()).isLessThan(1_000);
        assertThat(plain.run(Trainers.mlp(64, 32)).rmse()).isLessThan(590);
        Features<Row> features = Features.auto();
        for (String size : List.of("x", "y", "z")) {
            features = features.number(size, missingAt(0), standardize());
        }
        Bench careful =
                new Bench("diamonds, zeros missing", target, price, data, QualityTest::fifth, features, "price");
        assertThat(careful.run(Trainers.mlp(64, 32)).rmse()).isLessThan(590);
    }

    @Test
    void learnsWhichFlightsAreLate() {
        RealData data = RealData.read("flights");
        Bench bench = new Bench(
                "flights",
                Target.atLeast("delay", 15),
                row -> Double.parseDouble(data.cell(row, "delay")) >= 15 ? 1 : 0,
                data,
                (row, cells) -> data.cell(cells, "dep_time").compareTo("2001-04-01") >= 0,
                Features.rows()
                        .number("distance")
                        .category("origin")
                        .category("destination")
                        .calendar(
                                "dep_time",
                                CalendarPart.HOUR_OF_DAY,
                                CalendarPart.DAY_OF_WEEK,
                                CalendarPart.MINUTE_OF_HOUR),
                "delay");
        Result logistic = bench.run(Trainers.logistic());
        assertThat(logistic.auc()).isGreaterThan(0.649);
        assertThat(logistic.logLoss()).isLessThan(0.472);
        Result mlp = bench.run(Trainers.mlp(64, 32));
        assertThat(mlp.auc()).isGreaterThan(0.657);
        assertThat(mlp.logLoss()).isLessThan(0.4715);
    }
}
