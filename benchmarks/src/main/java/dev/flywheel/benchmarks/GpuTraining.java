package dev.flywheel.benchmarks;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.flywheel.benchmarks.GpuFindings.Notes;
import dev.flywheel.benchmarks.GpuFindings.Skip;
import dev.flywheel.core.device.Device.Kind;
import dev.flywheel.core.device.DeviceChoice;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Training by DJL on a GPU, beside the CPU and PyTorch from Python. Not thread-safe. */
final class GpuTraining {

    private static final String ENGINE = "PyTorch";
    private static final int INPUTS = 64;
    private static final int COMPARED = 20;

    private final GpuBench bench;

    GpuTraining(GpuBench bench) {
        this.bench = bench;
    }

    void run(GpuFindings findings) {
        findings.check(
                "G14 training by DJL",
                "losses of 20 steps within 2% of the CPU's; halved after 200; >= 0.7 x torch's steps/s at 4096/8192",
                this::train);
    }

    /**
     * A training.
     *
     * @param losses of its first steps, and of its last
     * @param rate steps a second after the first ones
     */
    private record Trained(List<Double> losses, double rate) {

        double last() {
            return losses.get(losses.size() - 1);
        }
    }

    private void train(Notes notes) throws Exception {
        DeviceChoice choice = Devices.choose(DeviceRequest.CUDA, Probe.Engine.DJL);
        boolean onGpu = choice.device().kind() == Kind.CUDA;
        if (!onGpu) {
            notes.insteadOfGpu(choice.fallback().orElseThrow());
        }
        Device device = onGpu ? Device.gpu(choice.device().index()) : Device.cpu();
        try {
            Engine.getEngine(ENGINE);
        } catch (RuntimeException e) {
            throw new Skip("DJL's PyTorch does not load: " + e);
        }
        Trained onCpu = learn(Device.cpu(), 64, 256, 200);
        Trained there = learn(device, 64, 256, 200);
        double apart = 0;
        for (int step = 0; step < COMPARED; step++) {
            apart = Math.max(apart, Math.abs(there.losses.get(step) / onCpu.losses.get(step) - 1));
        }
        notes.put("losses of the first steps apart", apart);
        notes.put("first loss", there.losses.get(0));
        notes.put("loss after 200 steps", there.last());
        notes.put("steps/s, 64 rows, 256 wide", there.rate);
        notes.put("steps/s of the CPU", onCpu.rate);
        notes.require(apart < 0.02, "losses within 0.02");
        notes.require(there.last() < there.losses.get(0) / 2, "half the loss");
        if (onGpu) {
            double rate = notes.put("steps/s, 4096 rows, 8192 wide", learn(device, 4096, 8192, 300).rate);
            Optional<Double> torch = bench.torch(notes, "train_4096_8192_steps_per_s");
            if (torch.isEmpty()) {
                notes.insteadOfGpu("PyTorch, which it is compared with, measured nothing here");
            }
            torch.ifPresent(theirs -> notes.require(rate >= 0.7 * theirs, "0.7 x torch"));
        }
    }

    private static float[] numbers(long seed, long count, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] numbers = new float[Math.toIntExact(count)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) ((2 * random.nextDouble() - 1) * scale);
        }
        return numbers;
    }

    private static SequentialBlock block(int hidden) {
        SequentialBlock block = new SequentialBlock();
        for (int layer = 0; layer < 2; layer++) {
            block.add(Linear.builder().setUnits(hidden).build()).add(Activation.reluBlock());
        }
        block.add(Linear.builder().setUnits(1).build());
        // The same on every device, whose random numbers differ.
        block.setInitializer(
                (manager, shape, type) -> manager.create(
                        numbers(shape.size(), shape.size(), Math.sqrt(6.0 / shape.get(shape.dimension() - 1))), shape),
                Parameter.Type.WEIGHT);
        return block;
    }

    private static Trained learn(Device device, int rows, int hidden, int steps) {
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.l2Loss())
                .optDevices(new Device[] {device})
                .optOptimizer(Optimizer.adam()
                        .optLearningRateTracker(Tracker.fixed(1e-3f))
                        .build());
        List<Double> losses = new ArrayList<>();
        try (Model model = Model.newInstance("training", device, ENGINE)) {
            model.setBlock(block(hidden));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(rows, INPUTS));
                NDManager manager = trainer.getManager();
                float[] values = numbers(3, (long) rows * INPUTS, 1);
                float[] targets = new float[rows];
                for (int row = 0; row < rows; row++) {
                    targets[row] = 2 * values[row * INPUTS] - values[row * INPUTS + 1] * values[row * INPUTS + 2];
                }
                NDArray x = manager.create(values, new Shape(rows, INPUTS));
                NDArray y = manager.create(targets, new Shape(rows, 1));
                long start = 0;
                for (int step = 0; step < steps; step++) {
                    boolean told = step < COMPARED || step == steps - 1;
                    double loss = step(trainer, x, y, told);
                    if (told) {
                        losses.add(loss);
                    }
                    if (step == COMPARED - 1) {
                        start = System.nanoTime();
                    }
                }
                double seconds = (System.nanoTime() - start) / 1e9;
                return new Trained(losses, (steps - COMPARED) / seconds);
            }
        }
    }

    /** {@return the loss, for which the device is waited for; 0 if nobody asks} */
    private static double step(Trainer trainer, NDArray x, NDArray y, boolean told) {
        double loss = 0;
        try (NDManager step = trainer.getManager().newSubManager()) {
            NDArray rows = x.duplicate();
            NDArray targets = y.duplicate();
            rows.attach(step);
            targets.attach(step);
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDList predicted = trainer.forward(new NDList(rows));
                NDArray value = trainer.getLoss().evaluate(new NDList(targets), predicted);
                collector.backward(value);
                loss = told ? value.getFloat() : 0;
            }
            trainer.step();
        }
        return loss;
    }
}
