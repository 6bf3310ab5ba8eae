package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.PredictionException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
        Random random = new Random(7);
        List<String> lines = new ArrayList<>(List.of(HEADER));
        for (int i = 0; i < GOOD; i++) {
            Point point = CrashChild.point(random);
            lines.add(point.x() + "," + point.y() + "," + point.colour() + "," + CrashChild.inside(point));
        }
        return lines;
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
