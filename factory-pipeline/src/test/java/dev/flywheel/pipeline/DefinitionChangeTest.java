package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A definition that changes while its home directory stays. */
class DefinitionChangeTest {

    record Place(double x, double y, String colour, boolean inside) {}

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private <I> Pipeline<I, Boolean, Double> pipeline(Class<I> input, Target<Boolean> target, Gate gate) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(input, target))
                .features(Features.auto(input))
                .train(Trainers.logistic())
                .gate(gate)
                .respond(p -> p)
                .build();
    }

    private <I> Pipeline<I, Boolean, Double> pipeline(Class<I> input, Target<Boolean> target) {
        return pipeline(input, target, Gate.atLeast(Metric.ROC_AUC, 0.5));
    }

    @Test
    void anotherTargetNeedsAnotherName() {
        Pipeline<Point, Boolean, Double> inside = pipeline(Point.class, Target.isTrue("inside"));
        Pipeline<Point, Boolean, Double> right = pipeline(Point.class, Target.atLeast("x", 0));
        String message = "pipeline \"points\" cannot predict \"x at least 0\": its versions and the outcomes in "
                + home.resolve("pipelines/points")
                + " are of \"inside is true\". Fix: give the pipeline of the new target another name.";
        try (Factory factory = Factory.open(home)) {
            factory.start(inside).close();
            assertThatThrownBy(() -> factory.start(right))
                    .isInstanceOf(DataException.class)
                    .hasMessage(message);
            Run run = factory.run(right);
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason()).isEqualTo(message);
            try (Deployment<Point, Boolean, Double> live = factory.start(inside)) {
                assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            }
        }
    }

    @Test
    void theTargetMayChangeWhileThereIsNoChampion() {
        try (Factory factory = Factory.open(home)) {
            Pipeline<Point, Boolean, Double> impossible =
                    pipeline(Point.class, Target.isTrue("inside"), Gate.atLeast(Metric.ROC_AUC, 2));
            assertThat(factory.run(impossible).outcome()).isEqualTo(Run.Outcome.REJECTED);
            try (Deployment<Point, Boolean, Double> live =
                    factory.start(pipeline(Point.class, Target.atLeast("x", 0)))) {
                assertThat(live.version()).isEqualTo(1);
            }
        }
    }

    @Test
    void aRecordWithAnotherColumnNeedsTheSourceAnew() {
        Pipeline<Place, Boolean, Double> wider = pipeline(Place.class, Target.isTrue("inside"));
        try (Factory factory = Factory.open(home)) {
            factory.start(pipeline(Point.class, Target.isTrue("inside"))).close();
            assertThatThrownBy(() -> factory.start(wider))
                    .isInstanceOf(DataException.class)
                    .hasMessage("the examples that were kept cannot be read as record " + Place.class.getName()
                            + ": they have the columns [x:number, y:number, colour:text?], the record has [x:number,"
                            + " y:number, colour:text?, inside:boolean]. Fix: give the pipeline of the new record another"
                            + " name, or run the pipeline once on its source.");
            assertThat(factory.run(wider).outcome()).isEqualTo(Run.Outcome.PROMOTED);
            try (Deployment<Place, Boolean, Double> live = factory.start(wider)) {
                assertThat(live.predict(new Place(1, 1, "red", true)).version()).isEqualTo(2);
            }
        }
    }

    @Test
    void theReportOfARunTellsThatTheDefinitionHasChanged() {
        try (Factory factory = Factory.open(home)) {
            Pipeline<Point, Boolean, Double> pipeline = pipeline(Point.class, Target.isTrue("inside"));
            try (Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
                assertThat(live.retrain().join().report()).content().doesNotContain("The definition has changed");
            }
            Pipeline<Point, Boolean, Double> stricter =
                    pipeline(Point.class, Target.isTrue("inside"), Gate.atLeast(Metric.ROC_AUC, 0.6));
            try (Deployment<Point, Boolean, Double> live = factory.start(stricter)) {
                assertThat(live.retrain().join().report())
                        .content()
                        .contains("The definition has changed since the source was read.");
            }
        }
    }

    @Test
    void examplesThatAreDamagedAreNotLearnedFrom() throws IOException {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live =
                        factory.start(pipeline(Point.class, Target.isTrue("inside")))) {
            Path dataset = onlyFileIn(home.resolve("data"));
            byte[] bytes = Files.readAllBytes(dataset);
            bytes[bytes.length / 2] ^= 1;
            Files.write(dataset, bytes);
            Run run = live.retrain().join();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .startsWith("dataset " + dataset + " cannot be used: its content has the SHA-256 ")
                    .endsWith("Fix: restore the file from a backup, or make the dataset again from its source.");
            assertThat(live.predict(new Point(1, 1, "red")).version()).isEqualTo(1);
            Files.delete(dataset);
            assertThat(live.retrain().join().reason())
                    .isEqualTo("dataset " + dataset
                            + " cannot be used: there is no such file. Fix: restore the file from a"
                            + " backup, or make the dataset again from its source.");
        }
        try (Factory factory = Factory.open(home)) {
            Pipeline<Point, Boolean, Double> pipeline = pipeline(Point.class, Target.isTrue("inside"));
            assertThatThrownBy(() -> factory.start(pipeline)).isInstanceOf(StoreException.class);
            assertThat(factory.run(pipeline).outcome()).isEqualTo(Run.Outcome.PROMOTED);
            factory.start(pipeline).close();
        }
    }

    private static Path onlyFileIn(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.arrow")) {
            return files.iterator().next();
        }
    }
}
