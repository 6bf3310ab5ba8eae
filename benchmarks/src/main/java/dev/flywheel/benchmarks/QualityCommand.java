package dev.flywheel.benchmarks;

import static dev.flywheel.core.stat.Metric.ACCURACY;
import static dev.flywheel.core.stat.Metric.LOG_LOSS;
import static dev.flywheel.core.stat.Metric.RMSE;
import static dev.flywheel.core.stat.Metric.ROC_AUC;
import static dev.flywheel.pipeline.source.Target.atLeast;
import static dev.flywheel.pipeline.source.Target.equal;
import static dev.flywheel.pipeline.source.Target.number;
import static dev.flywheel.pipeline.source.Target.oneOf;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.data.Length;
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
import dev.flywheel.pipeline.source.Idx;
import dev.flywheel.pipeline.source.Rows;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.serving.Classification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a run makes of real data where nobody chose anything but the columns: the best of the default portfolio, on the
 * rows that the run holds back, and how long the run took. Beside it what others reach with the same rows.
 */
@SuppressWarnings("ArrayRecordComponent") // what the library asks for
final class QualityCommand {

    /** The longest that a run may take. */
    private static final int SECONDS = 120;

    /**
     * A definition, and what should come of it.
     *
     * @param peers what others reach on the same split, by metric and model
     */
    private record Work(
            Pipeline<?, ?, ?> pipeline, Map<Metric, Target> targets, Map<Metric, Map<String, Double>> peers) {}

    /** An image, and whether it is to test on. */
    record Small(@Length(28 * 28) float[] pixels, String part) {}

    /** An image, and whether it is to test on. */
    record Large(@Length(32 * 32) float[] pixels, String part) {}

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
        String fashion = arguments.text("fashion", "/usr/share/datasets/fashion-mnist");
        Path out = arguments.out();
        arguments.refuseOthers();
        for (Work work : command.works(Path.of(fashion))) {
            if (command.only.isEmpty() || command.only.contains(work.pipeline.name())) {
                command.learn(work);
            }
        }
        command.results.write(out);
    }

    /** The peers' figures: scikit-learn 1.2 and PyTorch 1.13 on one thread, as kept beside the data. */
    private List<Work> works(Path fashion) throws IOException {
        Split fifth = Split.everyNth(5);
        Features<Row> auto = Features.auto();
        return List.of(
                work(
                        rows("telco_churn", csv("telco_churn").rows(equal("churn", "Yes")), fifth, auto),
                        Map.of(ROC_AUC, Target.atLeast(0.835)),
                        Map.of(ROC_AUC, peers("logistic regression", 0.837, "boosted trees", 0.826, "MLP", 0.833))),
                work(
                        rows("spambase", csv("spambase").rows(equal("type", "spam")), fifth, auto),
                        Map.of(ROC_AUC, Target.atLeast(0.98)),
                        Map.of(ROC_AUC, peers("logistic regression", 0.969, "boosted trees", 0.989, "MLP", 0.979))),
                work(
                        rows("diamonds", csv("diamonds").rows(number("price").onLogScale()), fifth, auto),
                        Map.of(RMSE, Target.atMost(760)),
                        Map.of(RMSE, peers("ridge", 1105, "boosted trees", 601, "MLP", 755))),
                work(
                        rows(
                                "chicago_ridership",
                                csv("chicago_ridership").eventTime("date").rows(number("ridership")),
                                Split.newest(Duration.ofDays(971)),
                                auto),
                        Map.of(RMSE, Target.atMost(2.62)),
                        Map.of(RMSE, peers("ridge", 2.62, "boosted trees", 2.41, "MLP", 2.68))),
                work(
                        rows(
                                "flights",
                                csv("flights").eventTime("dep_time").rows(atLeast("delay", 15)),
                                Split.newest(Duration.ofDays(91).plusMinutes(1)),
                                flights()),
                        Map.of(ROC_AUC, Target.atLeast(0.65), LOG_LOSS, Target.atMost(0.471)),
                        Map.of(
                                ROC_AUC,
                                peers("logistic regression", 0.648, "boosted trees", 0.668, "MLP", 0.654),
                                LOG_LOSS,
                                peers("logistic regression", 0.472, "boosted trees", 0.463, "MLP", 0.486))),
                work(
                        rows(
                                "food_reviews",
                                csv("food_reviews").rows(equal("score", "great")),
                                Split.where("split", "test"),
                                Features.rows().words("review")),
                        Map.of(ROC_AUC, Target.atLeast(0.83)),
                        Map.of(
                                ROC_AUC,
                                peers("TF-IDF, logistic", 0.848, "with pairs", 0.877, "MiniLM, logistic", 0.83))),
                work(
                        rows(
                                "food_reviews_encoded",
                                csv("food_reviews").rows(equal("score", "great")),
                                Split.where("split", "test"),
                                Features.rows().text("review", new MiniLm("int8").encoder())),
                        Map.of(ROC_AUC, Target.atLeast(0.83)),
                        Map.of(ROC_AUC, peers("MiniLM, logistic", 0.83))),
                work(
                        fashion(fashion),
                        Map.of(ACCURACY, Target.atLeast(0.89)),
                        Map.of(ACCURACY, peers("PyTorch, CNN of 3 epochs", 0.868))),
                work(
                        defects(),
                        Map.of(ACCURACY, Target.atLeast(0.90)),
                        Map.of(ACCURACY, peers("PyTorch, CNN of 12 epochs", 0.896))));
    }

    private static Work work(
            Pipeline<?, ?, ?> pipeline, Map<Metric, Target> targets, Map<Metric, Map<String, Double>> peers) {
        return new Work(pipeline, targets, peers);
    }

    private static Pipeline<Row, ?, Double> rows(
            String name, Source<Row, ?> source, Split split, Features<Row> features) {
        return Pipeline.named(name)
                .from(source)
                .split(split)
                .features(features)
                .train()
                .respond(value -> value)
                .build();
    }

    private static Features<Row> flights() {
        return Features.rows()
                .number("distance")
                .category("origin")
                .category("destination")
                .calendar("dep_time", CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK, CalendarPart.MINUTE_OF_HOUR);
    }

    private static Pipeline<Small, String, String> fashion(Path folder) {
        String[] kinds = IntStream.range(0, 10).mapToObj(Integer::toString).toArray(String[]::new);
        String from = folder.toString();
        Rows.Supply<Small, String> images = () -> Stream.of("train", "test").flatMap(part -> {
            String stem = part.equals("test") ? "t10k" : part;
            Idx pixels = Idx.read(Path.of(from, stem + "-images-idx3-ubyte.gz"));
            Idx labels = Idx.read(Path.of(from, stem + "-labels-idx1-ubyte.gz"));
            return IntStream.range(0, pixels.count())
                    .mapToObj(
                            i -> Rows.Example.of(new Small(pixels.floats(i), part), Integer.toString(labels.value(i))));
        });
        return Pipeline.named("fashion_mnist")
                .from(Rows.of("Fashion-MNIST", Small.class, oneOf("kind", kinds), images))
                .split(Split.where("part", "test"))
                .features(Features.of(Small.class).image(Small::pixels, 1, 28, 28))
                .train()
                .classify(Classification::label)
                .build();
    }

    /** Lots 0 to 2, of which every fifth image is to test on. */
    private Pipeline<Large, String, String> defects() {
        String from = folder.resolve("surface_defects").toString();
        Rows.Supply<Large, String> images = () -> {
            Idx pixels = Idx.read(Path.of(from, "images-idx3-ubyte.gz"));
            Idx labels = Idx.read(Path.of(from, "labels-idx1-ubyte.gz"));
            Idx lots = Idx.read(Path.of(from, "lots-idx1-ubyte.gz"));
            return IntStream.range(0, pixels.count())
                    .filter(i -> lots.value(i) < 3)
                    .mapToObj(i -> Rows.Example.of(
                            new Large(pixels.floats(i), i % 5 == 4 ? "test" : "train"),
                            Integer.toString(labels.value(i))));
        };
        return Pipeline.named("surface_defects")
                .from(Rows.of("surface defects, lots 0 to 2", Large.class, oneOf("defect", "0", "1", "2", "3"), images))
                .split(Split.where("part", "test"))
                .features(Features.of(Large.class).image(Large::pixels, 1, 32, 32))
                .train()
                .classify(Classification::label)
                .build();
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

    private void learn(Work work) throws IOException {
        String name = work.pipeline.name();
        Path home = Files.createTempDirectory("quality");
        try (Factory factory = Factory.open(home)) {
            long start = System.nanoTime();
            Run run = factory.run(work.pipeline);
            double seconds = (System.nanoTime() - start) / 1e9;
            if (run.outcome() == Run.Outcome.FAILED) {
                throw new IllegalStateException(name + ": " + run.reason());
            }
            work.targets.forEach((metric, target) -> tell(work, run, metric, target));
            Map<String, List<Double>> values = Map.of(Contender.FLYWHEEL, List.of(Results.rounded(seconds)));
            results.add("a run over " + name, "seconds", values, null, null, Target.atMost(SECONDS));
        } finally {
            MoreFiles.deleteRecursively(home, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    private void tell(Work work, Run run, Metric metric, Target target) {
        Estimate found = Objects.requireNonNull(run.metrics().get(metric.name()));
        Map<String, List<Double>> values = new LinkedHashMap<>();
        values.put(Contender.FLYWHEEL, List.of(Results.rounded(found.value())));
        work.peers.getOrDefault(metric, Map.of()).forEach((peer, value) -> values.put(peer, List.of(value)));
        String note = String.format(Locale.ROOT, "%s; 95%% %.4g to %.4g", run.candidate(), found.low(), found.high());
        String what = metric.label() + " on held-back rows of " + work.pipeline.name();
        results.add(what, "", values, null, note, target);
    }
}
