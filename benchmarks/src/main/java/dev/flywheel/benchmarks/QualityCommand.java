package dev.flywheel.benchmarks;

import static dev.flywheel.core.stat.Metric.LOG_LOSS;
import static dev.flywheel.core.stat.Metric.RMSE;
import static dev.flywheel.core.stat.Metric.ROC_AUC;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.Pipeline;
import dev.flywheel.pipeline.Run;
import dev.flywheel.pipeline.Split;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What a run makes of real data where nobody chose anything but the columns: the best of the default portfolio, on the
 * rows that the run holds back, and how long the run took. Beside it what others reach with the same rows.
 */
final class QualityCommand {

    /** The longest that a run may take. */
    private static final int SECONDS = 120;

    /**
     * Data with what is learned of it.
     *
     * @param peers what others reach on the same split, by metric and model
     */
    private record Data(
            String name,
            Source<Row, ?> source,
            Split split,
            Features<Row> features,
            Map<Metric, Target> targets,
            Map<Metric, Map<String, Double>> peers) {}

    private final Results results = new Results("quality", "quality");
    private final Path folder;
    private final Set<String> only;

    private QualityCommand(Path folder, Set<String> only) {
        this.folder = folder;
        this.only = only;
    }

    static void run(Arguments arguments) throws Exception {
        String only = arguments.text("only", "");
        QualityCommand command = new QualityCommand(
                Path.of(arguments.text("data", "../shared/data")), only.isEmpty() ? Set.of() : Set.of(only.split(",")));
        Path out = arguments.out();
        arguments.refuseOthers();
        for (Data data : command.tables()) {
            if (command.only.isEmpty() || command.only.contains(data.name)) {
                command.learn(data);
            }
        }
        command.results.write(out);
    }

    /** The peers' figures: scikit-learn 1.2 on one thread, as kept beside the data. */
    private List<Data> tables() {
        Split fifth = Split.everyNth(5);
        List<Data> tables = new ArrayList<>();
        tables.add(new Data(
                "telco_churn",
                csv("telco_churn").rows(dev.flywheel.pipeline.source.Target.equal("churn", "Yes")),
                fifth,
                Features.auto(),
                Map.of(ROC_AUC, Target.atLeast(0.835)),
                Map.of(ROC_AUC, peers("logistic regression", 0.837, "boosted trees", 0.826, "MLP", 0.833))));
        tables.add(new Data(
                "spambase",
                csv("spambase").rows(dev.flywheel.pipeline.source.Target.equal("type", "spam")),
                fifth,
                Features.auto(),
                Map.of(ROC_AUC, Target.atLeast(0.98)),
                Map.of(ROC_AUC, peers("logistic regression", 0.969, "boosted trees", 0.989, "MLP", 0.979))));
        tables.add(new Data(
                "diamonds",
                csv("diamonds")
                        .rows(dev.flywheel.pipeline.source.Target.number("price")
                                .onLogScale()),
                fifth,
                Features.auto(),
                Map.of(RMSE, Target.atMost(760)),
                Map.of(RMSE, peers("ridge", 1105, "boosted trees", 601, "MLP", 755))));
        tables.add(new Data(
                "chicago_ridership",
                csv("chicago_ridership")
                        .eventTime("date")
                        .rows(dev.flywheel.pipeline.source.Target.number("ridership")),
                Split.newest(Duration.ofDays(971)),
                Features.auto(),
                Map.of(RMSE, Target.atMost(2.62)),
                Map.of(RMSE, peers("ridge", 2.62, "boosted trees", 2.41, "MLP", 2.68))));
        tables.add(new Data(
                "flights",
                csv("flights").eventTime("dep_time").rows(dev.flywheel.pipeline.source.Target.atLeast("delay", 15)),
                Split.newest(Duration.ofDays(91).plusMinutes(1)),
                Features.rows()
                        .number("distance")
                        .category("origin")
                        .category("destination")
                        .calendar(
                                "dep_time",
                                CalendarPart.HOUR_OF_DAY,
                                CalendarPart.DAY_OF_WEEK,
                                CalendarPart.MINUTE_OF_HOUR),
                Map.of(ROC_AUC, Target.atLeast(0.65), LOG_LOSS, Target.atMost(0.471)),
                Map.of(
                        ROC_AUC,
                        peers("logistic regression", 0.648, "boosted trees", 0.668, "MLP", 0.654),
                        LOG_LOSS,
                        peers("logistic regression", 0.472, "boosted trees", 0.463, "MLP", 0.486))));
        tables.add(new Data(
                "food_reviews",
                csv("food_reviews").rows(dev.flywheel.pipeline.source.Target.equal("score", "great")),
                Split.where("split", "test"),
                Features.rows().words("review"),
                Map.of(ROC_AUC, Target.atLeast(0.83)),
                Map.of(
                        ROC_AUC,
                        peers(
                                "TF-IDF and logistic regression",
                                0.848,
                                "the same with pairs",
                                0.877,
                                "MiniLM and logistic regression",
                                0.83))));
        return tables;
    }

    private Csv csv(String name) {
        return Csv.files(folder.resolve(name + ".csv.gz"));
    }

    private static Map<String, Double> peers(Object... pairs) {
        Map<String, Double> peers = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            peers.put((String) pairs[i], ((Number) pairs[i + 1]).doubleValue());
        }
        return peers;
    }

    private void learn(Data data) throws IOException {
        Path home = Files.createTempDirectory("quality");
        try (Factory factory = Factory.open(home)) {
            Pipeline<Row, ?, Double> pipeline = Pipeline.named(data.name)
                    .from(data.source)
                    .split(data.split)
                    .features(data.features)
                    .train()
                    .respond(value -> value)
                    .build();
            long start = System.nanoTime();
            Run run = factory.run(pipeline);
            double seconds = (System.nanoTime() - start) / 1e9;
            if (run.outcome() == Run.Outcome.FAILED) {
                throw new IllegalStateException(data.name + ": " + run.reason());
            }
            data.targets.forEach((metric, target) -> tell(data, run, metric, target));
            results.add(
                    "a run over " + data.name,
                    "seconds",
                    Map.of(Contender.FLYWHEEL, List.of(seconds)),
                    null,
                    null,
                    Target.atMost(SECONDS));
        } finally {
            MoreFiles.deleteRecursively(home, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    private void tell(Data data, Run run, Metric metric, Target target) {
        Estimate found = Objects.requireNonNull(run.metrics().get(metric.name()));
        Map<String, List<Double>> values = new LinkedHashMap<>();
        values.put(Contender.FLYWHEEL, List.of(Results.rounded(found.value())));
        data.peers.getOrDefault(metric, Map.of()).forEach((peer, value) -> values.put(peer, List.of(value)));
        String note = String.format(Locale.ROOT, "%s; 95%% %.4g to %.4g", run.candidate(), found.low(), found.high());
        results.add(metric.label() + " on held-back rows of " + data.name, "", values, null, note, target);
    }
}
