package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.repository.zoo.Criteria;
import ai.djl.training.ParameterStore;
import dev.flywheel.core.data.Length;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.pipeline.prove.Bound;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Measure;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Rows;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.engine.DjlDefaults;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finished models of the user's as candidates. */
class OwnModelTest {

    private static final Point POINT = new Point(0.5, -0.25, "red");

    /** sigmoid(3 * (0.5 + 0.5 * -0.25)). */
    private static final double ANSWER = 1 / (1 + Math.exp(-1.125));

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeAll
    static void keepDjlQuiet() {
        DjlDefaults.apply();
    }

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 100);
    }

    private Pipeline.Ready<Point, Boolean, Double> points(Trainer... candidates) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(candidates)
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.01))
                .respond(p -> p);
    }

    /** What the points are like, [rows, 1], and the probability of true of such a number. */
    private static String likeness(OnnxGraph graph, String input, float... weights) {
        String weight = graph.floats(weights, weights.length, 1);
        return graph.node(
                "Sigmoid", graph.node("MatMul", graph.input(input, ElementType.FLOAT, weights.length), weight));
    }

    /** As classifiers of scikit-learn are exported: the label, and the probabilities of both. */
    private Path classifier(String name) {
        OnnxGraph graph = new OnnxGraph("classifier");
        String yes = likeness(graph, "prediction", 3, 1.5f);
        String no = graph.node("Sub", graph.floats(new float[] {1}, 1), yes);
        String label = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 7L), graph.node("Round", yes));
        String both = graph.node(OnnxGraph.ONNX, "Concat", Map.of("axis", 1L), no, yes);
        graph.output("label", label, ElementType.INT64, 1);
        graph.output("numbers", both, ElementType.FLOAT, 2);
        return write(graph, name);
    }

    private Path probability(String name, float... weights) {
        OnnxGraph graph = new OnnxGraph("probability");
        graph.output("p", likeness(graph, "x", weights), ElementType.FLOAT, 1);
        return write(graph, name);
    }

    private Path write(OnnxGraph graph, String name) {
        Path file = directory.resolve(name);
        graph.write(file);
        return file;
    }

    /** A TorchScript file as PyTorch saves it: code, and no parameters. */
    private Path torchScript(String name, String body) throws IOException {
        Path file = directory.resolve(name);
        String code = "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
                + "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    " + body + "\n";
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            String protocol = "\u0080\u0002";
            for (Map.Entry<String, String> entry : Map.of(
                            "data.pkl",
                            protocol + "c__torch__\nM\n)\u0081}b.",
                            "constants.pkl",
                            protocol + ").",
                            "code/__torch__.py",
                            code,
                            "version",
                            "3\n")
                    .entrySet()) {
                zip.putNextEntry(new ZipEntry("m/" + entry.getKey()));
                zip.write(entry.getValue().getBytes(StandardCharsets.ISO_8859_1));
                zip.closeEntry();
            }
        }
        return file;
    }

    private Run promoted(Pipeline<Point, Boolean, Double> pipeline) {
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(pipeline);
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            return run;
        }
    }

    /** What is served when everything that made it is gone. */
    private double servedAgain(Pipeline<Point, Boolean, Double> pipeline) {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            return live.predict(POINT).value();
        }
    }

    private String failure(Trainer candidate) {
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(points(candidate).build());
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.FAILED);
            return run.reason();
        }
    }

    private String json(Run run) throws IOException {
        return Files.readString(run.report().resolveSibling("run.json"));
    }

    @Test
    void whatAnotherPipelineExportedIsTakenAsItIs() throws IOException {
        Path exported;
        double answer;
        Pipeline<Point, Boolean, Double> trained =
                CrashChild.points("trained", csv).build();
        try (Factory factory = Factory.open(directory.resolve("elsewhere"));
                Deployment<Point, Boolean, Double> live = factory.start(trained)) {
            answer = live.predict(POINT).value();
            exported = directory.resolve("elsewhere/pipelines/trained/versions/1/model.onnx");
        }
        Path mine = Files.copy(exported, directory.resolve("mine.onnx"));
        Pipeline<Point, Boolean, Double> pipeline = points(Trainers.model(mine)).build();
        promoted(pipeline);
        assertThat(home.resolve("pipelines/points/versions/1/model.onnx")).hasSameBinaryContentAs(exported);
        Files.delete(mine);
        assertThat(servedAgain(pipeline)).isEqualTo(answer);
    }

    @Test
    void anOnnxModelCompetesWithTrainedOnesAndOutlivesItsFile() throws IOException {
        Path file = classifier("mine.onnx");
        Pipeline<Point, Boolean, Double> portfolio = points(
                        Trainers.model(file), Trainers.logistic(), Trainers.model(directory.resolve("none.pt")))
                .build();
        Run competed = promoted(portfolio);
        assertThat(json(competed))
                .contains("\"model\"", "\"logistic\"", "\"ROC_AUC\"")
                .contains("cannot read the model " + directory.resolve("none.pt") + ": there is no such file.");

        Pipeline<Point, Boolean, Double> alone = points(Trainers.model(file)).build();
        Run run = promoted(alone);
        assertThat(run.candidate()).startsWith("model(file=" + file + ", sha256=");
        assertThat(json(run)).contains("\"served by\"", "ONNX Runtime");
        Files.delete(file);
        assertThat(servedAgain(alone)).isCloseTo(ANSWER, within(1e-6));
    }

    @Test
    void aTorchScriptModelIsServedByDjlAndOutlivesItsFile() throws IOException {
        Path file = torchScript(
                "mine.pt",
                "return torch.sigmoid(torch.mul(torch.add(torch.select(x, 1, 1), torch.mul("
                        + "torch.select(x, 1, 0), 0.5)), 3))");
        Pipeline<Point, Boolean, Double> pipeline =
                points(Trainers.model(file, "y", "x")).build();
        Run run = promoted(pipeline);
        assertThat(json(run)).contains("DJL, by its PyTorch engine");
        Path copy = home.resolve("pipelines/points/versions/1/model.pt");
        assertThat(copy).hasSameBinaryContentAs(file);
        Files.delete(file);
        assertThat(servedAgain(pipeline)).isCloseTo(ANSWER, within(1e-6));

        byte[] damaged = Files.readAllBytes(copy);
        damaged[damaged.length / 2] ^= 1;
        Files.write(copy, damaged);
        assertThatThrownBy(() -> servedAgain(pipeline)).hasMessageContaining("file \"model.pt\" is damaged: expected ");
    }

    @Test
    void theSecondOfTwoProbabilitiesIsThatOfTrueInTorchScript() throws IOException {
        Path file = torchScript("two.pth", "return torch.softmax(torch.mul(x, 2), 1)");
        Pipeline<Point, Boolean, Double> pipeline =
                points(Trainers.model(file, "y", "x")).build();
        promoted(pipeline);
        assertThat(servedAgain(pipeline)).isCloseTo(1 / (1 + Math.exp(-1.5)), within(1e-6));
    }

    @Test
    void criteriaOfDjlBringTorchScriptAndBlocks() throws Exception {
        torchScript("scripted.pt", "return torch.sigmoid(torch.sum(x, [1], True))");
        String place = directory.toString();
        Pipeline<Point, Boolean, Double> scripted = points(
                        Trainers.model(
                                () -> Criteria.builder()
                                        .setTypes(NDList.class, NDList.class)
                                        .optModelPath(Path.of(place))
                                        .optModelName("scripted")
                                        .optEngine("PyTorch")
                                        .build(),
                                "x",
                                "y"),
                        Trainers.model(
                                () -> Criteria.builder()
                                        .setTypes(NDList.class, NDList.class)
                                        .optModelPath(Path.of(place, "scripted.pt"))
                                        .optEngine("PyTorch")
                                        .build(),
                                "x",
                                "y"))
                .build();
        assertThat(json(promoted(scripted))).doesNotContain("cannot ");
        assertThat(servedAgain(scripted)).isCloseTo(1 / (1 + Math.exp(-0.25)), within(1e-6));

        double expected;
        try (Model model = Model.newInstance("block", Device.cpu(), "PyTorch");
                NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
            Block block = block();
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
            model.setBlock(block);
            model.setProperty("Epoch", "1");
            model.save(directory, "block");
            expected = block.forward(
                            new ParameterStore(manager, false),
                            new NDList(manager.create(new float[][] {{0.5f, -0.25f}})),
                            false)
                    .singletonOrThrow()
                    .getFloat();
        }
        Pipeline<Point, Boolean, Double> java = points(Trainers.model(
                        () -> Criteria.builder()
                                .setTypes(NDList.class, NDList.class)
                                .optModelPath(Path.of(place))
                                .optModelName("block")
                                .optEngine("PyTorch")
                                .optDevice(Device.cpu())
                                .optBlock(block())
                                .build(),
                        "x",
                        "y"))
                .build();
        promoted(java);
        assertThat(home.resolve("pipelines/points/versions/2/model.onnx")).exists();
        assertThat(servedAgain(java)).isCloseTo(expected, within(1e-6));
    }

    private static Block block() {
        return new SequentialBlock()
                .add(Linear.builder().setUnits(3).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(1).build())
                .add(Activation.sigmoidBlock());
    }

    @Test
    void anotherFileAtTheSamePathIsAnotherDefinitionAndCanBeRolledBack() {
        Path file = probability("mine.onnx", 3, 1.5f);
        Pipeline<Point, Boolean, Double> pipeline = points(Trainers.model(file)).build();
        String before = pipeline.hash();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            probability("mine.onnx", 0, 4);
            assertThat(pipeline.hash()).isNotEqualTo(before);
            assertThat(live.predict(POINT).value()).isCloseTo(ANSWER, within(1e-6));

            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(live.predict(POINT).value()).isCloseTo(1 / (1 + Math.exp(1)), within(1e-6));
            assertThat(live.rollback()).isEqualTo(1);
            assertThat(live.predict(POINT).value()).isCloseTo(ANSWER, within(1e-6));
        }
        assertThat(servedAgain(pipeline)).isCloseTo(ANSWER, within(1e-6));
    }

    @Test
    void isProvenByACanaryAcrossARestart() throws IOException {
        Path file = torchScript("mine.pt", "return torch.sigmoid(torch.sum(x, [1]))");
        Canary plan = Canary.steps(0.5)
                .each(Duration.ofDays(1))
                .measure(Measure.of("errors").failure(Bound.above(0.5)));
        Pipeline<Point, Boolean, Double> pipeline =
                points(Trainers.model(file, "x", "y")).prove(plan).build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.ON_TRIAL);
        }
        Files.delete(file);
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            Set<Integer> versions = new HashSet<>();
            Random random = new Random(7);
            for (int i = 0; i < 100; i++) {
                versions.add(live.predict(CrashChild.point(random)).version());
            }
            assertThat(versions).containsExactlyInAnyOrder(1, 2);
        }
    }

    @Test
    void theChampionServesOnWhereTheFileIsGoneOrDamaged() throws IOException {
        Path file = probability("mine.onnx", 3, 1.5f);
        Pipeline<Point, Boolean, Double> pipeline = points(Trainers.model(file)).build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            Files.write(file, new byte[] {1, 2, 3});
            Run damaged = live.retrain().join();
            assertThat(damaged.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(damaged.reason())
                    .startsWith("cannot read the model " + file + ": it is damaged, or not an ONNX");
            Files.delete(file);
            Run gone = live.retrain().join();
            assertThat(gone.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(gone.reason())
                    .isEqualTo("cannot read the model " + file + ": there is no such file. Fix: bring the file, or take"
                            + " the candidate out of the pipeline; versions that were made of it have a copy.");
            assertThat(live.predict(POINT).value()).isCloseTo(ANSWER, within(1e-6));
        }
    }

    @Test
    void saysWhatDoesNotFit() throws IOException {
        assertThat(failure(Trainers.model(probability("three.onnx", 1, 2, 3))))
                .startsWith(
                        "the model " + directory.resolve("three.onnx") + " does not fit the pipeline: its inputs are"
                                + " \"x\" FLOAT [-1, 3], expected one input FLOAT [-1, 2] for the columns [x, y]");
        assertThat(failure(Trainers.model(probability("column.onnx", 1, 2), "x", "z")))
                .contains("takes column \"z\", but there is no such column");
        OnnxGraph other = new OnnxGraph("other");
        other.output("p", likeness(other, "x", 1, 1), ElementType.FLOAT, 1);
        other.metadata("flywheel.task", "REGRESSION");
        assertThat(failure(Trainers.model(write(other, "other.onnx"))))
                .contains("it was made to predict REGRESSION, expected a model that predicts BINARY. Fix: bring the"
                        + " model of this target.");
        OnnxGraph logits = new OnnxGraph("logits");
        String weight = logits.floats(new float[] {3, 1.5f}, 2, 1);
        logits.output(
                "y", logits.node("MatMul", logits.input("x", ElementType.FLOAT, 2), weight), ElementType.FLOAT, 1);
        assertThat(failure(Trainers.model(write(logits, "logits.onnx"))))
                .contains("does not predict what it is asked: the model predicted ", "expected probabilities")
                .contains("Fix: end the model with a sigmoid or a softmax if it gives logits");
        assertThat(failure(Trainers.model(torchScript("nan.pt", "return torch.div(torch.mul(x, 0), 0)"), "x")))
                .contains("the model predicted NaN for row 0");
        assertThat(failure(Trainers.model(torchScript("wide.pt", "return torch.cat([x, x], 1)"), "x", "y")))
                .contains("its outputs are \"output\" FLOAT [-1, 4], expected one output FLOAT [-1], [-1, 1] (the"
                        + " probability of true) or [-1, 2] (those of false and true)");
        assertThat(failure(Trainers.model(Files.writeString(directory.resolve("text.pt"), "hello"), "x")))
                .startsWith("cannot take the model " + directory.resolve("text.pt") + ": cannot load ");
    }

    @Test
    void refusesAtOnceWhatCannotBeAModel() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.model(Path.of("mine.pkl")))
                .withMessage("the file \"mine.pkl\" does not tell what model it is: an ONNX file ends in .onnx, a"
                        + " TorchScript file in .pt, .pth or .torchscript");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.model(Path.of("mine.onnx"), "x", "x"))
                .withMessage("a model takes each column once, found [x, x]");
        assertThat(points(Trainers.model(directory.resolve("none.onnx"), "x"))
                        .build()
                        .describe())
                .contains("train model(file=" + directory.resolve("none.onnx") + ", sha256=no such file, columns=x)");
    }

    @SuppressWarnings("ArrayRecordComponent") // what the library asks for
    record Picture(@Length(4) float[] pixels) {}

    @Test
    void takesAVectorAsItsOnlyColumn() {
        Path file = probability("pictures.onnx", 1, 1, -1, -1);
        Pipeline<Picture, Boolean, Double> pipeline = Pipeline.named("pictures")
                .from(Rows.of("60 random pictures", Picture.class, Target.isTrue("above"), () -> {
                    Random random = new Random(5);
                    return IntStream.range(0, 60).mapToObj(i -> {
                        float bright = random.nextFloat();
                        float dark = random.nextFloat();
                        return Rows.Example.of(new Picture(new float[] {bright, bright, dark, dark}), bright > dark);
                    });
                }))
                .features(Features.of(Picture.class).image(Picture::pixels, 1, 2, 2))
                .train(Trainers.model(file))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.01))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Picture, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.predict(new Picture(new float[] {2, 1, 1, 1})).value())
                    .isCloseTo(1 / (1 + Math.exp(-1)), within(1e-6));
        }
    }

    @Test
    void predictsNumbersAndClassesToo() throws IOException {
        Path number = torchScript("number.pt", "return torch.mul(torch.to(torch.sum(x, [1]), 7), 2)");
        Pipeline<Point, Double, Double> numbers = Pipeline.named("numbers")
                .from(Csv.files(csv).examples(Point.class, Target.number("y")))
                .features(Features.auto(Point.class))
                .train(Trainers.model(number, "x"))
                .gate(Gate.atMost(Metric.RMSE, 100))
                .respond(p -> p)
                .build();
        OnnxGraph graph = new OnnxGraph("classes");
        String weights = graph.floats(new float[] {1, 0, -1, 0, 1, 0}, 2, 3);
        String logits = graph.node("MatMul", graph.input("x", ElementType.FLOAT, 2), weights);
        String softmax = graph.node(OnnxGraph.ONNX, "Softmax", Map.of("axis", 1L), logits);
        graph.output("p", softmax, ElementType.FLOAT, 3);
        Pipeline<Point, String, Double> classes = Pipeline.named("classes")
                .from(Csv.files(csv).examples(Point.class, Target.oneOf("colour", "red", "green", "blue")))
                .features(Features.auto(Point.class))
                .train(Trainers.model(write(graph, "classes.onnx")))
                .gate(Gate.atMost(Metric.LOG_LOSS, 100))
                .classify(answer -> answer.probability("red"))
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Double, Double> live = factory.start(numbers);
                Deployment<Point, String, Double> classifying = factory.start(classes)) {
            assertThat(live.predict(POINT).value()).isEqualTo(1);
            double red = Math.exp(0.5);
            assertThat(classifying.predict(POINT).value())
                    .isCloseTo(red / (red + Math.exp(-0.25) + Math.exp(-0.5)), within(1e-6));
        }
    }
}
