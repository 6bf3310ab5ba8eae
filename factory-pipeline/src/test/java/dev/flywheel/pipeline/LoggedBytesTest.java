package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a deployment leaves of its predictions on the disk: every byte of its home is looked at. */
class LoggedBytesTest {

    private static final Instant START = Instant.parse("2026-03-01T00:00:00Z");
    private static final byte[] KEY = "sixteen bytes or".getBytes(StandardCharsets.UTF_8);
    private static final Point OPEN = new Point(0.3141592653589793, 0.2718281828459045, "vermilion");
    private static final Point PRIVATE = new Point(0.5772156649015329, 0.6931471805599453, "chartreuse");

    @TempDir
    Path directory;

    private volatile Instant now = START;
    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 100);
    }

    private Factory open() {
        return Factory.open(home, Factory.options().clock(() -> now).withoutTicks());
    }

    private Pipeline<Point, Boolean, Double> pipeline(Logging<Point> logging) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.of(Point.class).number(Point::x))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.1))
                .respond(p -> p)
                .watch(Watch.defaults())
                // what a caller has been answered is on the disk
                .log(logging.durability(Durability.ACKNOWLEDGED))
                .build();
    }

    @Test
    void anInputThatIsExceptedIsServedAndLeavesNothing() {
        Logging<Point> logging = Logging.of(Point.class).except(PRIVATE::equals);
        List<UUID> hidden = new ArrayList<>();
        UUID seen;
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(logging))) {
            List<Prediction<Double>> served = new ArrayList<>(live.predictAll(List.of(PRIVATE, PRIVATE)));
            served.add(live.predict(PRIVATE));
            served.add(live.predictAsync(PRIVATE).join());
            assertThat(served)
                    .extracting(Prediction::value)
                    .containsOnly(served.get(0).value());
            served.forEach(prediction -> hidden.add(prediction.id()));
            seen = live.predict(OPEN).id();
            assertThat(live.watched().orElseThrow().rows()).isEqualTo(1);
        }
        assertThat(filesWith(bytes(seen))).isNotEmpty();
        assertThat(filesWith(bytes(OPEN.x()))).isNotEmpty();
        assertThat(filesWith(bytes(OPEN.colour()))).isNotEmpty();

        hidden.forEach(
                id -> assertThat(filesWith(bytes(id), bytes(id.toString()))).isEmpty());
        assertThat(filesWith(traces(PRIVATE.x()))).isEmpty();
        assertThat(filesWith(traces(PRIVATE.y()))).isEmpty();
        assertThat(filesWith(bytes(PRIVATE.colour()))).isEmpty();
    }

    @Test
    void ofOtherInputsOnlyThePartIsThereThatIsWanted() throws Exception {
        Logging<Point> logging = Logging.of(Point.class).only(Point::x).hashed(Point::colour, KEY);
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(logging))) {
            assertThat(live.predict(OPEN).value()).isBetween(0.0, 1.0);
            assertThat(live.watched().orElseThrow().rows()).isEqualTo(1);
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        String hash =
                HexFormat.of().formatHex(mac.doFinal(bytes(OPEN.colour()))).substring(0, 32);
        assertThat(filesWith(bytes(OPEN.x()))).isNotEmpty();
        assertThat(filesWith(bytes(hash))).isNotEmpty();

        assertThat(filesWith(traces(OPEN.y()))).isEmpty();
        assertThat(filesWith(bytes(OPEN.colour()))).isEmpty();
        assertThat(filesWith(KEY)).isEmpty();
    }

    @Test
    void predictionsAndFeedbackGoWhenTheirTimeHasCome() {
        Logging<Point> logging =
                Logging.of(Point.class).keepPredictions(Duration.ofDays(8)).keepFeedback(Duration.ofDays(16));
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(logging))) {
            UUID old = live.predict(OPEN).id();
            live.feedback(old, true);
            passed(live, 3);
            UUID young = live.predict(PRIVATE).id();
            live.feedback(young, true);

            passed(live, 7);
            assertThat(filesWith(bytes(old))).hasSize(2);
            passed(live, 9);
            assertThat(filesWith(bytes(old))).as("the feedback alone").hasSize(1);
            assertThat(filesWith(bytes(OPEN.colour()))).isEmpty();
            assertThat(filesWith(bytes(PRIVATE.colour()))).hasSize(1);
            assertThat(filesWith(bytes(young))).hasSize(2);
            passed(live, 17);
            assertThat(filesWith(bytes(old))).isEmpty();
            assertThat(filesWith(bytes(young))).as("the feedback alone").hasSize(1);
        }
    }

    private void passed(Deployment<?, ?, ?> live, int days) {
        now = START.plus(Duration.ofDays(days));
        live.tick();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(UUID id) {
        return ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }

    /** {@return a number as the logs write it} */
    private static byte[] bytes(double value) {
        return ByteBuffer.allocate(8).putDouble(value).array();
    }

    /** {@return a number as anything could write it} */
    private static byte[][] traces(double value) {
        return new byte[][] {
            bytes(value),
            ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putDouble(value)
                    .array(),
            bytes(Double.toString(value))
        };
    }

    /** {@return the files of the home that hold one of these, at a time when none was renamed meanwhile} */
    private List<Path> filesWith(byte[]... wanted) {
        while (true) {
            try (Stream<Path> files = Files.walk(home)) {
                return files.filter(Files::isRegularFile)
                        .filter(file -> Stream.of(wanted).anyMatch(bytes -> holds(file, bytes)))
                        .toList();
            } catch (UncheckedIOException e) {
                if (!(e.getCause() instanceof NoSuchFileException)) {
                    throw e;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static boolean holds(Path file, byte[] wanted) {
        try {
            String all = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            return all.contains(new String(wanted, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
