package dev.flywheel.pipeline;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.train.TrainingListener;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** A logistic regression that does something before it trains. */
@SuppressWarnings("serial") // never serialized
final class HookedTrainer implements Trainer {

    private final Consumer<FeatureMatrix> hook;
    private final Trainer real = Trainers.logistic();

    HookedTrainer(Runnable hook) {
        this(matrix -> hook.run());
    }

    HookedTrainer(Consumer<FeatureMatrix> hook) {
        this.hook = hook;
    }

    /** A training that has begun, and goes on when it is let go or interrupted. */
    static final class Gate implements Runnable {

        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch letGo = new CountDownLatch(1);

        @Override
        public void run() {
            begun.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public String name() {
        return "hooked";
    }

    @Override
    public Map<String, String> settings() {
        return Map.of();
    }

    @Override
    public void requireTask(Task task) {
        real.requireTask(task);
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        hook.accept(matrix);
        return real.train(matrix, target, seed, listener);
    }
}
