package dev.flywheel.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.MlpTrainer;
import dev.flywheel.pipeline.train.Range;
import dev.flywheel.pipeline.train.Search;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Searches for settings of a network, and takes random ones, with the same number of epochs: which gives the better
 * model on rows that neither has seen? Both begin with the same random settings.
 */
final class SearchCommand {

    private static final String RANDOM = "random search";
    private static final int EPOCHS = 18;
    private static final int FACTOR = 3;

    /** Data with a target. */
    private record Data(String name, Target<Boolean> target) {}

    private static final List<Data> ALL = List.of(
            new Data("telco_churn", Target.equal("churn", "Yes")),
            new Data("spambase", Target.equal("type", "spam")),
            new Data("credit_data", Target.equal("status", "bad")));

    /** What a search came to. */
    private record Outcome(double loss, double epochs) {}

    private final Results results = new Results("search", "search");
    private final Path data;
    private final int trials;
    private final int seeds;

    private SearchCommand(Path data, int trials, int seeds) {
        this.data = data;
        this.trials = trials;
        this.seeds = seeds;
    }

    static void run(Arguments arguments) throws Exception {
        SearchCommand command = new SearchCommand(
                Path.of(arguments.text("data", "../shared/data")),
                arguments.number("trials", 54),
                arguments.number("seeds", 5));
        Path out = arguments.out();
        arguments.refuseOthers();
        for (Data data : ALL) {
            command.compare(data);
        }
        command.results.write(out);
    }

    private void compare(Data one) throws IOException {
        Path folder = Files.createTempDirectory("search");
        try {
            Dataset all = Csv.files(data.resolve(one.name + ".csv.gz"))
                    .rows(one.target)
                    .ingest(Ingestion.into(folder))
                    .dataset();
            int count = (int) all.rows();
            int[] train = IntStream.range(0, count).filter(row -> row % 5 != 4).toArray();
            int[] test = IntStream.range(0, count).filter(row -> row % 5 == 4).toArray();
            FeatureMatrix rows = Features.auto().fit(all).matrix(all).refitted(train);
            compare(one, rows.select(train), rows.select(test), folder);
        } finally {
            MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    private void compare(Data one, FeatureMatrix train, FeatureMatrix test, Path folder) throws IOException {
        List<Double> ours = new ArrayList<>();
        List<Double> random = new ArrayList<>();
        double epochs = 0;
        int taken = 0;
        for (int seed = 1; seed <= seeds; seed++) {
            MlpTrainer first = first(seed);
            Outcome found = outcome(space(first).trials(trials), one, train, test, seed, folder);
            int equal = (int) Math.ceil(found.epochs);
            Outcome other = outcome(space(first).trials(equal).random().inFull(), one, train, test, seed, folder);
            ours.add(found.loss);
            random.add(other.loss);
            epochs += found.epochs / seeds;
            taken += equal;
        }
        Map<String, List<Double>> values = new LinkedHashMap<>();
        values.put(Contender.FLYWHEEL, ours);
        values.put(RANDOM, random);
        results.add(
                "log loss on a fifth of " + one.name + " after a search over six settings of a network",
                "nats",
                values,
                null,
                String.format(
                        Locale.ROOT,
                        "%d trials took the epochs of %.1f trainings; random search had %.1f whole trainings; a seed a"
                                + " round",
                        trials,
                        epochs,
                        (double) taken / seeds),
                dev.flywheel.benchmarks.Target.belowPeer(RANDOM));
    }

    private static MlpTrainer first(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return Trainers.mlp(64, 32)
                .epochs(EPOCHS)
                .learningRate(Math.pow(10, random.nextDouble(-4, 0)))
                .weightDecay(Math.pow(10, random.nextDouble(-3, 1)))
                .dropout(random.nextDouble(0, 0.7));
    }

    private static Search<MlpTrainer> space(MlpTrainer first) {
        return Trainers.search(first)
                .vary(MlpTrainer::learningRate, Range.log(1e-4, 1))
                .vary(MlpTrainer::weightDecay, Range.log(1e-3, 10))
                .vary(MlpTrainer::dropout, Range.of(0, 0.7))
                .vary(
                        MlpTrainer::hidden,
                        Range.anyOf(new int[] {16}, new int[] {64}, new int[] {64, 32}, new int[] {128, 64}))
                .vary(MlpTrainer::embedding, Range.integers(2, 16))
                .vary(MlpTrainer::batchSize, Range.anyOf(32, 64, 128, 256))
                .by(Metric.LOG_LOSS);
    }

    private static Outcome outcome(
            Search<MlpTrainer> search, Data one, FeatureMatrix train, FeatureMatrix test, long seed, Path folder)
            throws IOException {
        Path journal = Files.createTempDirectory(folder, "journal");
        double[] scores = search.journal(journal)
                .train(train, one.target, seed, epoch -> {})
                .predict(test);
        double loss = Metrics.estimate(Metric.LOG_LOSS, test.labels(), scores).value();
        double epochs = 0;
        ObjectMapper json = new ObjectMapper();
        for (String line : Files.readAllLines(journal.resolve(Search.JOURNAL))) {
            JsonNode rung = json.readTree(line).get("rung");
            if (rung != null) {
                epochs += rung.asInt() == 0 ? 1 : (FACTOR - 1) * Math.pow(FACTOR, rung.asInt() - 1.0);
            }
        }
        return new Outcome(loss, epochs / (FACTOR * FACTOR));
    }
}
