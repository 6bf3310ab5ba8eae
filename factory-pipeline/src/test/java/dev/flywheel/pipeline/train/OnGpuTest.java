package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Sharing;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What trainings do with a GPU that is shared; they run on the CPU, and are told otherwise. */
class OnGpuTest {

    private static final Target<Double> NUMBER = Target.number("y");
    private static final int EPOCHS = 6;
    private static final int STEPS = 3; // of 100 rows, for 270 that are not held back
    private static final MlpTrainer TRAINER =
            Trainers.mlp(8, 4).epochs(EPOCHS).batchSize(100).dropout(0.2).earlyStopping(EPOCHS);

    @TempDir
    Path folder;

    private FeatureMatrix matrix;
    private final Shared shared = new Shared();

    /** Asks for its memory back after some turns, again and again. */
    private static final class Shared implements Accelerator {

        private final List<String> owners = new ArrayList<>();
        private int turnsUntilAsked = Integer.MAX_VALUE;
        private int reserved;
        private int turns;
        private int running;

        @Override
        public Device device() {
            return Device.cpu();
        }

        @Override
        public Reservation reserve(String owner, Tier tier, long bytes, Duration patience, @Nullable Runnable reclaim) {
            assertThat(tier).isEqualTo(Tier.TRAINING);
            assertThat(bytes).isBetween(1L << 30, (1L << 30) + 100_000);
            assertThat(reserved).as("one at a time").isZero();
            if (owner.equals("late")) {
                throw new OverloadedException("no memory", "it is full", "wait");
            }
            owners.add(owner);
            reserved++;
            return new Reservation() {
                private int left = turnsUntilAsked;

                @Override
                public Hold turn() {
                    assertThat(reserved).isEqualTo(1);
                    assertThat(++running).isEqualTo(1);
                    turns++;
                    if (--left == 0 && reclaim != null) {
                        reclaim.run();
                    }
                    return () -> running--;
                }

                @Override
                public void close() {
                    reserved--;
                }
            };
        }

        @Override
        public Hold pin(ByteBuffer memory) {
            return () -> {};
        }

        @Override
        public void sharing(Sharing sharing) {
            throw new UnsupportedOperationException();
        }
    }

    private static TrainingListener of(String owner) {
        return new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {}

            @Override
            public String owner() {
                return owner;
            }
        };
    }

    @BeforeEach
    void rows() {
        matrix = SearchTest.numbers(folder, 300);
    }

    private NetworkFit fit(TrainingListener listener) {
        return new NetworkFit(TRAINER, TRAINER.network(matrix, NUMBER), matrix, NUMBER, listener).on(shared);
    }

    private static float[] parameters(TrainedModel model) {
        return ((NetworkModel) model).parameters();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 17, 18, 100})
    void aTrainingThatLeavesForOthersAndComesBackGivesTheSameModelBitForBit(int steps) {
        shared.turnsUntilAsked = steps;
        Pausable.Part trained =
                fit(of("fraud/training")).runTo(EPOCHS, Checkpoint.at(null), TRAINER.settings(matrix.rows()), 42);
        assertThat(parameters(trained.model())).isEqualTo(parameters(TRAINER.train(matrix, NUMBER, 42, epoch -> {})));
        int turns = STEPS + 1; // the last of an epoch is for what is held back
        assertThat(shared.turns).isEqualTo(EPOCHS * turns);
        int stays = 0;
        for (int done = 0; done < EPOCHS * turns; stays++) {
            done += steps;
            // It leaves after the turn in which it is asked, but not before it knows how good an epoch was.
            done += done % turns == STEPS ? 1 : 0;
        }
        assertThat(shared.owners).hasSize(stays).containsOnly("fraud/training");
        assertThat(shared.reserved).isZero();
        assertThat(shared.running).isZero();
        assertThat(trained.paused().epoch()).isEqualTo(EPOCHS);
    }

    @Test
    void aTrainingThatIsStoppedByAMetricTakesATurnForThatToo() {
        MlpTrainer trainer = TRAINER.earlyStopping(EPOCHS, Metric.RMSE);
        Pausable.Part trained = new NetworkFit(trainer, trainer.network(matrix, NUMBER), matrix, NUMBER, of("a"))
                .on(shared)
                .runTo(EPOCHS, Checkpoint.at(null), trainer.settings(matrix.rows()), 42);
        assertThat(shared.turns).isEqualTo(trained.paused().epoch() * (STEPS + 2));
        assertThat(shared.running).isZero();
    }

    @Test
    void aTrainingThatCannotBeLeftTakesTurnsAllTheSame() {
        shared.turnsUntilAsked = 2;
        Network network = LinearTrainer.network(matrix, NUMBER);
        TrainedModel model = new NetworkFit(Trainers.linear(), network, matrix, NUMBER, of("a"))
                .on(shared)
                .run(300, 100, training -> new FullBatchFit(training, 1, 100).run());
        assertThat(parameters(model)).hasSize(network.size());
        assertThat(shared.owners).containsExactly("a");
        assertThat(shared.turns).isPositive();
        assertThat(shared.reserved).isZero();
    }

    @Test
    void aTrainingThatIsInterruptedOrFindsNoRoomHoldsNothing() {
        TrainingListener interrupts = epoch -> Thread.currentThread().interrupt();
        assertThatThrownBy(
                        () -> fit(interrupts).runTo(EPOCHS, Checkpoint.at(null), TRAINER.settings(matrix.rows()), 42))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(shared.owners).containsExactly("training");
        assertThat(shared.reserved).isZero();
        assertThat(shared.running).isZero();
        assertThatThrownBy(
                        () -> fit(of("late")).runTo(EPOCHS, Checkpoint.at(null), TRAINER.settings(matrix.rows()), 42))
                .isInstanceOf(OverloadedException.class);
    }
}
