package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.google.common.hash.Hashing;
import dev.flywheel.core.StoreException;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.flywheel.ChildJvm;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trainings that are cut off, by an interrupt or a kill at a random instant, and go on; more kills with
 * {@code -Dtraining.kills=}. A failure prints the seed, which {@code -Dtests.seed=} repeats as far as timing allows.
 */
class CheckpointTest {

    private static final Logger log = LoggerFactory.getLogger(CheckpointTest.class);
    private static final long SEED = Long.getLong("tests.seed", System.nanoTime());
    private static final Target<Double> NUMBER = Target.number("y");
    private static final Checkpoint.Pace ALWAYS = new Checkpoint.Pace(Duration.ZERO, 0);
    private static final int EPOCHS = 12;
    private static final MlpTrainer TRAINER =
            Trainers.mlp(8, 4).epochs(EPOCHS).batchSize(100).dropout(0.2).earlyStopping(EPOCHS);

    @TempDir
    Path folder;

    private FeatureMatrix matrix;
    private Path place;

    @BeforeEach
    void rows() {
        matrix = SearchTest.numbers(folder, 300);
        place = folder.resolve("place");
    }

    private TrainedModel train(Trainer trainer, long seed, TrainingListener listener) {
        return Checkpoint.train(place, ALWAYS, trainer, matrix, NUMBER, seed, listener);
    }

    private float[] undisturbed() {
        return parameters(TRAINER.train(matrix, NUMBER, 42, epoch -> {}));
    }

    private static float[] parameters(TrainedModel model) {
        return ((NetworkModel) model).parameters();
    }

    /** Trains up to the last step of an epoch; what follows it is lost. */
    private void cutOff(int epoch) {
        assertThatThrownBy(() -> train(TRAINER, 42, ended -> {
                    if (ended.epoch() == epoch) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    /** A training that tells of each epoch. */
    static final class Child {

        private Child() {}

        public static void main(String[] args) {
            Path folder = Path.of(args[0]);
            FeatureMatrix matrix = SearchTest.numbers(folder, 300);
            Checkpoint.train(
                    folder.resolve("place"), ALWAYS, TRAINER, matrix, NUMBER, 42, epoch -> System.out.println("epoch"));
            System.out.println("done");
        }
    }

    /**
     * A kill.
     *
     * @param millis from the end of the first epoch on
     * @param told the epochs that it had told of, or more
     * @param wentOnWith the epochs that were trained then, the first of them perhaps from its midst on
     * @param model the SHA-256 of the ONNX file
     */
    private record Kill(double millis, int told, List<Integer> wentOnWith, String model) {}

    @Test
    void aTrainingThatIsKilledGivesTheBytesOfAnUndisturbedOne() throws Exception {
        log.info("seed {}", SEED);
        Random random = new Random(SEED);
        String whole = file(TRAINER.train(matrix, NUMBER, 42, epoch -> {}));
        List<Kill> kills = new ArrayList<>();
        int count = Integer.getInteger("training.kills", 1);
        while (kills.size() < count) {
            int told = 1;
            double millis;
            try (ChildJvm child = ChildJvm.start(Child.class, folder.toString())) {
                int signs = 2 + random.nextInt(EPOCHS - 2);
                assertThat(child.line()).isEqualTo("epoch");
                long start = System.nanoTime();
                while (told < signs && child.line().equals("epoch")) {
                    told++;
                    LockSupport.parkNanos(random.nextInt(2_000_000));
                }
                child.kill();
                millis = (System.nanoTime() - start) / 1e6;
            }
            List<Integer> epochs = new ArrayList<>();
            TrainedModel resumed = train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()));
            kills.add(new Kill(millis, told, epochs, file(resumed)));
            log.info("{}", kills.get(kills.size() - 1));
            assertThat(epochs).as("seed %s", SEED).doesNotContain(1);
            assertThat(kills.get(kills.size() - 1).model).as("seed %s", SEED).isEqualTo(whole);
            Files.delete(place.resolve("training.paused"));
        }
        String results = System.getProperty("training.results");
        if (results != null) {
            write(Path.of(results), whole, kills);
        }
    }

    /** The SHA-256 of the ONNX file of a model. */
    private String file(TrainedModel model) throws IOException {
        Path file = folder.resolve("model.onnx");
        ModelExport.write(matrix.features(), model, file);
        return Hashing.sha256().hashBytes(Files.readAllBytes(file)).toString();
    }

    private static void write(Path file, String whole, List<Kill> kills) throws IOException {
        Map<String, Object> sheet = new LinkedHashMap<>();
        sheet.put("name", "training-kills");
        sheet.put(
                "command",
                "mvn test -pl factory-pipeline -am -Dtest=CheckpointTest -Dsurefire.failIfNoSpecifiedTests=false"
                        + " -Dtraining.kills=" + kills.size()
                        + " -Dtraining.results=../benchmarks/results/training-kills.json");
        sheet.put("date", LocalDate.now(ZoneOffset.UTC).toString());
        sheet.put("machine", Runtime.getRuntime().availableProcessors() + " cores, " + System.getProperty("os.arch"));
        sheet.put("jdk", System.getProperty("java.version"));
        sheet.put("seed", SEED);
        sheet.put(
                "about",
                "A process that trains " + TRAINER.describe() + ", and keeps how it stands after each step, is killed"
                        + " as by kill -9, some time after it has told of an epoch. The training goes on in another"
                        + " process. The model's ONNX file must be that of a training that nothing disturbed.");
        sheet.put("undisturbed", whole);
        sheet.put("kills", kills.size());
        sheet.put(
                "same_bytes",
                kills.stream().filter(kill -> kill.model.equals(whole)).count());
        sheet.put("rows", kills);
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(file.toFile(), sheet);
    }

    @Test
    void aTrainingGoesOnInTheMidstOfAnEpoch() {
        float[] whole = undisturbed();
        for (int epoch : new int[] {1, 4, 11}) {
            cutOff(epoch);
        }
        List<Integer> epochs = new ArrayList<>();
        assertThat(parameters(train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()))))
                .containsExactly(whole);
        assertThat(epochs).containsExactly(11, 12);
        assertThat(parameters(train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()))))
                .as("trained to the end before")
                .containsExactly(whole);
        assertThat(epochs).containsExactly(11, 12);
    }

    @Test
    void aTrainingThatRestsTwiceGivesTheBytesOfOneThatDoesNot() {
        AtomicInteger steps = new AtomicInteger();
        AtomicInteger rests = new AtomicInteger();
        TrainingListener rested = new TrainingListener() {
            private boolean must;

            @Override
            public void epochEnded(Epoch epoch) {}

            @Override
            public boolean mustRest() {
                must |= steps.incrementAndGet() % 13 == 0 && rests.get() < 2;
                return must;
            }

            @Override
            public void rest() {
                must = false;
                rests.incrementAndGet();
            }
        };
        assertThat(parameters(train(TRAINER, 42, rested))).containsExactly(undisturbed());
        assertThat(rests).hasValue(2);
    }

    @Test
    void aTrainingThatRestsIsOnTheDiskAndGoesOnAfterACrash() {
        float[] whole = undisturbed();
        Checkpoint.Pace never = new Checkpoint.Pace(Duration.ofDays(1), 0);
        AtomicInteger steps = new AtomicInteger();
        TrainingListener crashes = new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {}

            @Override
            public boolean mustRest() {
                return steps.incrementAndGet() >= 15;
            }

            @Override
            public void rest() {
                throw new CancellationException("a crash");
            }
        };
        assertThatThrownBy(() -> Checkpoint.train(place, never, TRAINER, matrix, NUMBER, 42, crashes))
                .hasMessage("a crash");
        assertThat(place.resolve("training.paused")).isRegularFile();
        List<Integer> epochs = new ArrayList<>();
        assertThat(parameters(train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()))))
                .containsExactly(whole);
        assertThat(epochs).doesNotContain(1).endsWith(EPOCHS);
    }

    @Test
    void aCalibratedTrainingGoesOnWithTheOneItCalibrates() {
        FeatureMatrix truths = SearchTest.truths(folder, 300);
        Target<Boolean> truth = Target.isTrue("y");
        Trainer trainer = Trainers.calibrated(TRAINER, Calibration.PLATT);
        double[] whole = trainer.train(truths, truth, 42, epoch -> {}).predict(truths);
        assertThatThrownBy(() -> Checkpoint.train(place, ALWAYS, trainer, truths, truth, 42, ended -> {
                    if (ended.epoch() == 7) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        List<Integer> epochs = new ArrayList<>();
        TrainedModel resumed =
                Checkpoint.train(place, ALWAYS, trainer, truths, truth, 42, epoch -> epochs.add(epoch.epoch()));
        assertThat(epochs).startsWith(7).endsWith(EPOCHS);
        assertThat(resumed.predict(truths)).containsExactly(whole);
    }

    @Test
    void anotherTrainingBeginsAnew() {
        cutOff(3);
        List<Integer> epochs = new ArrayList<>();
        train(TRAINER, 43, epoch -> epochs.add(epoch.epoch()));
        assertThat(epochs).startsWith(1);
        cutOff(3);
        epochs.clear();
        train(TRAINER.learningRate(0.02), 42, epoch -> epochs.add(epoch.epoch()));
        assertThat(epochs).startsWith(1);
        cutOff(3);
        epochs.clear();
        double[] weights = matrix.weights();
        weights[7] = 2;
        matrix = matrix.weighted(weights);
        train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()));
        assertThat(epochs).startsWith(1);
    }

    @Test
    void aDamagedFileIsNoHarm() throws IOException {
        cutOff(3);
        Path file = place.resolve("training.paused");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        List<Integer> epochs = new ArrayList<>();
        assertThat(parameters(train(TRAINER, 42, epoch -> epochs.add(epoch.epoch()))))
                .containsExactly(undisturbed());
        assertThat(epochs).startsWith(1);
    }

    @Test
    void aDiskThatRefusesEndsTheTrainingWithCauseAndAdvice() throws IOException {
        Files.createDirectories(place.resolve("training.paused").resolve("in-the-way"));
        assertThatThrownBy(() -> train(TRAINER, 42, epoch -> {}))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("training.paused")
                .hasMessageContaining("space");
    }
}
