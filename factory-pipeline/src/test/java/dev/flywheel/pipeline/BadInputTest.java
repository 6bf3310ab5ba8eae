package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of bad input on its whole way: through a run, a start or a prediction. */
class BadInputTest {

    private static final String HEADER = "x,y,colour,inside";
    private static final int GOOD = 100;

    /** A point of which anything may be unknown. */
    record Loose(
            @Nullable Double x,
            @Nullable Double y,
            @Nullable String colour) {}

    @TempDir
    Path directory;

    private Path csv() {
        return directory.resolve("points.csv");
    }

    private Path home() {
        return directory.resolve("home");
    }

    private static List<String> good() {
        return good(GOOD, 0);
    }

    private <I> Pipeline<I, Boolean, Double> pipeline(Class<I> input, Csv csv) {
        return Pipeline.named("points")
                .from(csv.examples(input, Target.isTrue("inside")))
                .features(Features.auto(input))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
    }

    private Run run(Class<?> input, List<String> lines) throws IOException {
        Files.write(csv(), lines);
        return run(input);
    }

    private Run run(Class<?> input) {
        try (Factory factory = Factory.open(home())) {
            return factory.run(pipeline(input, Csv.files(csv())));
        }
    }

    /** The run goes on without one row, and tells it. */
    private static void assertRefused(Run run, String reason) {
        assertThat(run.reason()).startsWith("logistic passed 2 of 2 gates");
        assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
        assertThat(run.report()).content().contains(reason.replace("\"", "&quot;"));
        assertThat(run.report().resolveSibling("run.json")).content().contains(reason.replace("\"", "\\\""));
        assertThat(run.report().resolveSibling("quarantine.jsonl")).content().hasLineCount(1);
    }

    private void assertFailed(Run run, String reason) {
        assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
        assertThat(run.reason()).isEqualTo(reason);
        assertThat(run.report()).content().contains("<strong>FAILED</strong>");
        assertThatThrownBy(() -> {
                    try (Factory factory = Factory.open(home())) {
                        factory.start(pipeline(Point.class, Csv.files(csv())));
                    }
                })
                .isInstanceOf(TrainingException.class)
                .hasMessageStartingWith(
                        "pipeline \"points\" has nothing to serve: " + reason.substring(0, reason.indexOf(" Fix: ")));
    }

    @Test
    void aMissingColumnEndsTheRun() throws IOException {
        assertFailed(
                run(Point.class, List.of("x,colour,inside", "1,red,true")),
                csv() + " cannot be used: it has no column \"y\" for record " + Point.class.getName()
                        + "; its columns are x, colour, inside. Fix: correct the name in the file or in the program.");
    }

    @Test
    void anExtraColumnIsNotUsedAndTold() throws IOException {
        List<String> lines = new ArrayList<>(good());
        lines.replaceAll(line -> line + (line.equals(HEADER) ? ",size" : ",3"));
        Run run = run(Point.class, lines);
        assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
        assertThat(run.report()).content().contains("not used: size");
    }

    @Test
    void aColumnOfAnotherTypeEndsTheRun() throws IOException {
        List<String> lines = new ArrayList<>(good());
        lines.replaceAll(line -> line.equals(HEADER) ? line : "left" + line.substring(line.indexOf(',')));
        Run run = run(Point.class, lines);
        assertFailed(
                run,
                csv() + " cannot be used: 100 of 100 rows were refused, most often for x: expected a finite number (100"
                        + " times, first in line 2 of " + csv() + ": \"left\"). Fix: mend the data, or the record, the"
                        + " target and the checks that it should fit; every refused row is in "
                        + run.report().resolveSibling("quarantine.jsonl") + ".");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "abc,1,red,true | x: expected a finite number",
                "inf,1,red,true | x: expected a finite number",
                "-Infinity,1,red,true | x: expected a finite number",
                "1e39,1,red,true | x: expected a number that a float holds, up to 3.4e38",
                "NaN,1,red,true | x: expected a value",
                ",1,red,true | x: expected a value",
                "1,1,red, | inside: expected a label",
                "1,1,red,perhaps | inside: expected true or false (also yes/no, y/n, t/f, 1/0)",
                "1,1,red | expected 4 fields",
                "1,1,red,true,9 | expected 4 fields",
            })
    void aBadRowGoesToQuarantine(String row, String reason) throws IOException {
        List<String> lines = good();
        lines.add(50, row);
        assertRefused(run(Point.class, lines), reason);
    }

    @Test
    void aRowThatIsNotUtf8GoesToQuarantine() throws IOException {
        List<String> lines = good();
        lines.add(50, "1,1,gr\u00FCn,true");
        Files.write(csv(), lines, StandardCharsets.ISO_8859_1);
        assertRefused(run(Point.class), "colour: expected UTF-8 text");
    }

    @Test
    void aRowWithAFieldOfTenMegabytesGoesToQuarantine() throws IOException {
        List<String> lines = good();
        lines.add(50, "1,1," + "r".repeat(10 << 20) + ",true");
        Run run = run(Point.class, lines);
        assertRefused(run, "expected at most 1048576 characters in a field");
        assertThat(run.report().resolveSibling("quarantine.jsonl")).content().hasSizeLessThan(2_000);
    }

    @Test
    void anEventThatComesTwiceIsLearnedOnce() throws IOException {
        List<String> lines = good();
        for (int i = 0; i < lines.size(); i++) {
            lines.set(i, lines.get(i) + (i == 0 ? ",id" : ",e" + i));
        }
        lines.add(50, "1,1,red,true,e7");
        Files.write(csv(), lines);
        try (Factory factory = Factory.open(home())) {
            Run run = factory.run(pipeline(Point.class, Csv.files(csv()).eventId("id")));
            assertRefused(run, "id: expected an id that no row before has");
        }
    }

    @Test
    void whatIsMissingMayBeMissingInABoxedComponent() throws IOException {
        List<String> lines = good();
        lines.add(50, ",NaN,,true");
        Run run = run(Loose.class, lines);
        assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
        assertThat(run.report()).content().contains("101");
        assertThat(run.report().resolveSibling("quarantine.jsonl")).doesNotExist();
    }

    @Test
    void anEmptyFileEndsTheRun() throws IOException {
        assertFailed(
                run(Point.class, List.of()),
                csv() + " cannot be used: it is empty. Fix: give a CSV file whose first line names the columns.");
    }

    @Test
    void aHeaderAloneEndsTheRun() throws IOException {
        assertFailed(
                run(Point.class, List.of(HEADER)),
                csv() + " cannot be used: there is no row below the header. Fix: give a file with examples.");
    }

    @Test
    void aTargetOfOneClassEndsTheRun() throws IOException {
        List<String> lines = good();
        lines.replaceAll(line -> line.replaceAll("(true|false)$", "true"));
        Run run = run(Point.class, lines);
        assertThat(run.reason()).contains("of one class");
        assertFailed(run, run.reason());
    }

    @ParameterizedTest
    @ValueSource(strings = {"1,1,\"red,true", "1,1,\"red\"dish,true"})
    void aQuotationThatIsNotClosedEndsTheRun(String row) throws IOException {
        List<String> lines = good();
        lines.add(50, row);
        Run run = run(Point.class, lines);
        assertThat(run.reason()).startsWith(csv() + " is not a CSV file (RFC 4180) throughout: ");
        assertFailed(run, run.reason());
    }

    /** The classes of the points, some of them wrong. */
    private static List<String> good(int rows, double wrong) {
        Random random = new Random(7);
        Random noise = new Random(8);
        List<String> lines = new ArrayList<>(List.of(HEADER));
        for (int i = 0; i < rows; i++) {
            Point point = CrashChild.point(random);
            boolean inside = CrashChild.inside(point) ^ noise.nextDouble() < wrong;
            lines.add(point.x() + "," + point.y() + "," + point.colour() + "," + inside);
        }
        return lines;
    }

    private Pipeline<Loose, Boolean, Double> points(Path file, Features<Loose> features, Trainer trainer, Gate gate) {
        return Pipeline.named("points")
                .from(Csv.files(file).examples(Loose.class, Target.isTrue("inside")))
                .features(features)
                .train(trainer)
                .gate(gate)
                .respond(p -> p)
                .build();
    }

    private Pipeline<Loose, Boolean, Double> points(Path file) {
        return points(file, Features.auto(Loose.class), Trainers.logistic(), Gate.atLeast(Metric.ROC_AUC, 0.5));
    }

    private static List<Double> answers(Deployment<Loose, Boolean, Double> live) {
        return live
                .predictAll(
                        List.of(new Loose(1.0, 1.0, "red"), new Loose(-1.0, null, "green"), new Loose(null, 2.0, null)))
                .stream()
                .map(prediction -> prediction.value())
                .toList();
    }

    /** What is in the home but for reports of runs, examples, logs and marks of the time. */
    private List<String> leftOvers() throws IOException {
        try (Stream<Path> files = Files.walk(home())) {
            return files.map(file -> home().relativize(file).toString())
                    .filter(file -> file.matches(".*(\\.tmp|/staging/.*|/work|/searches)|pipelines/points/versions/.*"))
                    .sorted()
                    .toList();
        }
    }

    /**
     * Has a champion that has learned from good rows, and lets runs go wrong: the champion answers as before, nothing
     * is left of such a run but its report, and the runs after it are as if it had not been.
     */
    private List<Run> besideAChampion(List<Pipeline<Loose, Boolean, Double>> bad) throws IOException {
        Pipeline<Loose, Boolean, Double> pipeline = points(Files.write(directory.resolve("good.csv"), good()));
        List<Run> runs = new ArrayList<>();
        try (Factory factory = Factory.open(home())) {
            assertThat(factory.run(pipeline).outcome()).isEqualTo(Run.Outcome.PROMOTED);
            List<String> before = leftOvers();
            List<Double> answers = answers(factory, pipeline);
            for (Pipeline<Loose, Boolean, Double> next : bad) {
                Run run = factory.run(next);
                assertThat(leftOvers()).as(run.reason()).isEqualTo(before);
                assertThat(answers(factory, pipeline)).as(run.reason()).isEqualTo(answers);
                runs.add(run);
            }
            try (Deployment<Loose, Boolean, Double> live = factory.start(pipeline)) {
                assertThat(live.version()).isEqualTo(1);
                assertThat(live.retrain().join().reason()).startsWith("logistic passed 2 of 2 gates");
            }
            assertThat(factory.run(pipeline).reason()).startsWith("logistic passed 2 of 2 gates");
        }
        return runs;
    }

    private static List<Double> answers(Factory factory, Pipeline<Loose, Boolean, Double> pipeline) {
        try (Deployment<Loose, Boolean, Double> live = factory.start(pipeline)) {
            return answers(live);
        }
    }

    /** @param bad pipelines, by what their runs end with */
    private void assertFail(Map<String, Pipeline<Loose, Boolean, Double>> bad) throws IOException {
        List<Run> runs = besideAChampion(List.copyOf(bad.values()));
        Iterator<String> reasons = bad.keySet().iterator();
        for (Run run : runs) {
            assertThat(run.reason()).matches(reasons.next());
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.report()).content().contains("<strong>FAILED</strong>");
        }
    }

    private Pipeline<Loose, Boolean, Double> training(Trainer trainer) throws IOException {
        return points(
                Files.write(csv(), good()), Features.auto(Loose.class), trainer, Gate.atLeast(Metric.ROC_AUC, 0.5));
    }

    /** Good rows with a field replaced. */
    private Path replaced(int field, String by) throws IOException {
        List<String> lines = good();
        for (int i = 1; i < lines.size(); i++) {
            String[] fields = lines.get(i).split(",", -1);
            fields[field] = by;
            lines.set(i, String.join(",", fields));
        }
        return Files.write(directory.resolve(field + by + ".csv"), lines);
    }

    @Test
    void aConstantAndAnEmptyColumnBesideUsefulOnesAreLeftAsideAndTold() throws IOException {
        List<String> lines = good();
        for (int i = 1; i < lines.size(); i++) {
            String[] fields = lines.get(i).split(",", -1);
            lines.set(i, fields[0] + ",,blue," + fields[3]);
        }
        try (Factory factory = Factory.open(home())) {
            Run run = factory.run(points(Files.write(csv(), lines)));
            assertThat(run.reason()).startsWith("logistic passed 2 of 2 gates");
            assertThat(run.report())
                    .content()
                    .contains(
                            "Column &quot;colour&quot; is &quot;blue&quot; in every training row. Column &quot;y&quot;"
                                    + " has no value in the training rows.");
        }
    }

    @Test
    void rowsThatTeachNothingEndTheRunAndTheChampionServesOn() throws IOException {
        Map<String, Pipeline<Loose, Boolean, Double>> bad = new LinkedHashMap<>();
        Features<Loose> x = Features.of(Loose.class).number(Loose::x);
        Features<Loose> colour = Features.of(Loose.class).category(Loose::colour);
        bad.put(alike("column \"x\" is 3.0 in every training row"), alone(replaced(0, "3"), x));
        bad.put(alike("column \"x\" has no value in the training rows"), alone(replaced(0, ""), x));
        bad.put(alike("column \"colour\" is \"blue\" in every training row"), alone(replaced(2, "blue"), colour));
        bad.put(alike("column \"colour\" has no value in the training rows"), alone(replaced(2, ""), colour));
        bad.put(
                "the test examples of pipeline \"points\" are of one class: all \\d+ have the label true\\. Fix: bring"
                        + " more examples, or hold back more or others with a split\\.",
                points(replaced(3, "true")));
        bad.put(
                "the test examples of pipeline \"points\" are of one class: the only one has the label (true|false)\\. Fix:"
                        + " bring more examples, .*",
                points(Files.write(csv(), good().subList(0, 4))));
        assertFail(bad);
    }

    private Pipeline<Loose, Boolean, Double> alone(Path file, Features<Loose> features) {
        return points(file, features, Trainers.logistic(), Gate.atLeast(Metric.ROC_AUC, 0.5));
    }

    private static String alike(String why) {
        return Pattern.quote("trainer logistic(l2=1, iterations=200) cannot learn from these examples: all ") + "\\d+"
                + Pattern.quote(" rows have the same features: " + why
                        + ". Fix: bring a column whose value differs between rows, or look why none does.");
    }

    @Test
    void fiftyThousandCategoriesAreLearnedInBoundedMemory() throws IOException {
        List<String> lines = good(50_000, 0);
        for (int i = 1; i < lines.size(); i++) {
            String[] fields = lines.get(i).split(",", -1);
            lines.set(i, fields[0] + "," + fields[1] + "," + fields[2] + i + "," + fields[3]);
        }
        try (Factory factory = Factory.open(home())) {
            Run run = factory.run(points(Files.write(csv(), lines)));
            assertThat(run.reason()).startsWith("logistic passed 2 of 2 gates");
            assertThat(run.report())
                    .content()
                    .contains(
                            "The vocabulary of column &quot;colour&quot; is full with 10000 values; rarer ones share an"
                                    + " id.");
            assertThat(home().resolve("pipelines/points/versions/1/model.onnx"))
                    .satisfies(model -> assertThat(Files.size(model)).isLessThan(1 << 20));
        }
    }

    @Test
    void wrongLabelsAreNoReasonToLetTheChampionGo() throws IOException {
        Path file = Files.write(csv(), good(600, 0.3));
        Run run = besideAChampion(List.of(points(
                        file,
                        Features.auto(Loose.class),
                        Trainers.logistic(),
                        Gate.betterThanChampion(Metric.ROC_AUC))))
                .get(0);
        assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.REJECTED);
        assertThat(run.reason())
                .matches(
                        "(INCONCLUSIVE|FAIL) ROC AUC better than the champion's \\(candidate 0\\.\\d+, champion 0\\.\\d+,"
                                + " advantage .* paired DeLong\\) on \\d+ rows\\)");
    }

    @Test
    void aTrainingThatIsLostEndsTheRunAndTheChampionServesOn() throws IOException {
        Features<Loose> numbers = Features.of(Loose.class).number(Loose::x).number(Loose::y);
        Trainer broken = Trainers.djl(() -> {
            Block block = Linear.builder().setUnits(1).build();
            block.setInitializer((manager, shape, type) -> manager.full(shape, Float.NaN, type), Parameter.Type.WEIGHT);
            return block;
        });
        Pipeline<Loose, Boolean, Double> exploding = training(Trainers.mlp(8, 8).learningRate(1e20));
        String exploded =
                "training of mlp\\(.*\\) failed in epoch \\d+: its loss is NaN, and it exploded: a gradient or a"
                        + " step was \\d\\.\\d+e\\+\\d+ long\\. Fix: lower the learning rate.*";
        assertFail(Map.of(
                "training of djl\\(.*\\) failed in epoch 1: its loss is NaN, and nothing exploded, .*: something has no"
                        + " result\\. Fix: look for a logarithm, .*",
                points(csv(), numbers, broken, Gate.atLeast(Metric.ROC_AUC, 0.5)),
                exploded,
                exploding));
        try (Factory factory = Factory.open(home());
                Deployment<Loose, Boolean, Double> live = factory.start(exploding)) {
            int version = live.version();
            List<Double> answers = answers(live);
            CompletableFuture<Run> run = live.retrain();
            while (!run.isDone()) {
                assertThat(answers(live)).isEqualTo(answers);
            }
            assertThat(run.join().reason()).matches(exploded);
            assertThat(live.version()).isEqualTo(version);
            assertThat(answers(live)).isEqualTo(answers);
        }
    }

    @Test
    void aFullDiskInTheMidstOfACheckpointEndsTheRunAndTheChampionServesOn() throws Exception {
        Files.createDirectories(home());
        assumeTrue(
                ran("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", home().toString()),
                "this user cannot mount a small file system");
        try {
            assertFail(Map.of(
                    Pattern.quote("writing " + home().resolve("pipelines/points/searches/search-0/training.paused")
                            + ": the file system says java.io.IOException: No space left on device. Fix: check that the"
                            + " disk is mounted, has space left and that this user may write there."),
                    training(Trainers.mlp(1024, 1024).epochs(1_000_000))));
        } finally {
            // lazily, because files stay mapped into memory until they are collected
            assertThat(ran("umount", "--lazy", home().toString())).isTrue();
        }
    }

    private static boolean ran(String... command) throws Exception {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    @Test
    void nanNullAndUnseenValuesArePredictedLikeMissingOnes() throws IOException {
        List<String> lines = good();
        lines.add(50, ",,,true");
        Files.write(csv(), lines);
        try (Factory factory = Factory.open(home());
                Deployment<Loose, Boolean, Double> live = factory.start(pipeline(Loose.class, Csv.files(csv())))) {
            double missing = live.predict(new Loose(null, 1.0, "red")).value();
            assertThat(missing).isBetween(0.0, 1.0);
            assertThat(live.predict(new Loose(Double.NaN, 1.0, "red")).value()).isEqualTo(missing);
            double unseen = live.predict(new Loose(1.0, 1.0, "octarine")).value();
            assertThat(unseen).isBetween(0.0, 1.0);
            assertThat(live.predict(new Loose(1.0, 1.0, "ultraviolet")).value()).isEqualTo(unseen);
            assertThat(live.predict(new Loose(null, null, null)).value()).isBetween(0.0, 1.0);
        }
    }

    @Test
    void nanInAPrimitiveComponentIsPredictedAsMissing() throws IOException {
        Files.write(csv(), good());
        try (Factory factory = Factory.open(home());
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(Point.class, Csv.files(csv())))) {
            assertThat(live.predict(new Point(Double.NaN, 1, "red")).value()).isBetween(0.0, 1.0);
        }
    }

    @Test
    void infinitiesAndNothingAreNotPredicted() throws IOException {
        Files.write(csv(), good());
        String message = "column \"x\" of an input cannot be used: its number is infinite, or beyond the 3.4e38 that a"
                + " float holds. Fix: leave it missing (null or NaN), or do not ask for such inputs.";
        try (Factory factory = Factory.open(home());
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(Point.class, Csv.files(csv())))) {
            for (double odd : new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e39}) {
                Point point = new Point(odd, 1, "red");
                assertThatThrownBy(() -> live.predict(point))
                        .isInstanceOf(PredictionException.class)
                        .hasMessage(message);
                assertThatThrownBy(() -> live.predictAsync(point).join()).hasRootCauseMessage(message);
                assertThatThrownBy(() -> live.predictAll(List.of(new Point(1, 1, "red"), point)))
                        .isInstanceOf(PredictionException.class)
                        .hasMessageStartingWith("predictAll failed at input 1: ")
                        .hasRootCauseMessage(message);
            }
            assertThatThrownBy(() -> live.predict(Nulls.none()))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessage("input");
            assertThat(live.predict(new Point(1, 1, "red")).value()).isBetween(0.0, 1.0);
        }
    }

    @Test
    void aHomeOfANewerFormatIsNotOpened() throws IOException {
        Factory.open(home()).close();
        Files.writeString(home().resolve("factory.json"), "{\"format\": 2, \"createdBy\": \"flywheel 9.1\"}");
        assertThatThrownBy(() -> Factory.open(home()))
                .isInstanceOf(StoreException.class)
                .hasMessage(
                        "opening " + home() + ": its format is 2 (created by flywheel 9.1), this library (flywheel of"
                                + " unknown version) reads format 1. Fix: upgrade the library.");
    }

    /** Holds a factory until its input ends, or says why it cannot start a pipeline. */
    static final class Other {

        private Other() {}

        public static void main(String[] args) throws IOException {
            try (Factory factory = Factory.open(Path.of(args[0]))) {
                if (args.length > 1) {
                    try (Deployment<Point, Boolean, Double> live =
                            factory.start(CrashChild.pipeline(Path.of(args[1])))) {
                        System.out.println("version " + live.version());
                    }
                }
                System.out.println("open");
                System.in.read();
            } catch (RuntimeException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    private Process other(List<String> options, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(options);
        command.add(Other.class.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void aHomeThatAnotherProcessHoldsIsNotOpenedUntilThatEnds() throws Exception {
        Process other = other(List.of(), home().toString());
        try (BufferedReader out = other.inputReader()) {
            assertThat(out.readLine()).isEqualTo("open");
            assertThatThrownBy(() -> Factory.open(home()))
                    .isInstanceOf(StoreException.class)
                    .hasMessage("opening " + home() + ": process " + other.pid()
                            + " has it open. Fix: stop that process or close its factory; one process at a time may"
                            + " write.");
        } finally {
            other.destroyForcibly().waitFor();
        }
        Factory.open(home()).close();
    }

    @Test
    void aDamagedModelIsRefusedBeforeAnyNativeLibraryLoads() throws Exception {
        Path points = CrashTest.writePoints(csv(), 200);
        try (Factory factory = Factory.open(home())) {
            assertThat(factory.run(CrashChild.pipeline(points)).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
        Path model = home().resolve("pipelines/points/versions/1/model.onnx");
        byte[] bytes = Files.readAllBytes(model);
        bytes[bytes.length - 1] ^= 1;
        Files.write(model, bytes);
        assertThat(classesLoadedToStart(points, "artifact " + model.getParent() + ": file \"model.onnx\" is damaged"))
                .noneMatch(line -> line.contains("ai.onnxruntime.OnnxRuntime") || line.contains("ai.djl."));
        bytes[bytes.length - 1] ^= 1;
        Files.write(model, bytes);
        assertThat(classesLoadedToStart(points, "version 1"))
                .as("the log tells when the library loads")
                .anyMatch(line -> line.contains("ai.onnxruntime.OnnxRuntime"));
    }

    private List<String> classesLoadedToStart(Path points, String answer) throws Exception {
        Path log = directory.resolve("classes.log");
        Process other = other(List.of("-Xlog:class+load:file=" + log), home().toString(), points.toString());
        try (BufferedReader out = other.inputReader()) {
            assertThat(out.readLine()).startsWith(answer);
        } finally {
            other.destroyForcibly().waitFor();
        }
        return Files.readAllLines(log);
    }
}
