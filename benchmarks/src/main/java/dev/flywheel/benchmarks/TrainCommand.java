package dev.flywheel.benchmarks;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Steps a second of a training, beside DJL's {@code EasyTrain} and PyTorch from Python, and the time to a given
 * accuracy. All train the same network on the same numbers by Adam at the same rate, one thread each, on the CPU unless
 * the system property {@value DeviceRequest#PROPERTY} says otherwise, and in 32-bit floats.
 */
final class TrainCommand {

    private static final String EASY = "djl-easytrain";
    private static final String PYTHON = "pytorch-python";
    private static final double RATE = 1e-3;
    private static final int ROWS = 16_384;
    private static final int EPOCHS = 3;
    private static final String PRECISION = "flywheel.precision";
    private static final int MOST_EPOCHS = 30;

    /**
     * A training.
     *
     * @param seconds what all epochs but the first took
     * @param steps how many steps these had
     * @param loss the mean loss of the last
     */
    record Trained(double seconds, long steps, double loss) {

        double rate() {
            return steps / seconds;
        }
    }

    /** What it took to reach a goal. */
    record Reached(double seconds, int epochs) {}

    /** Trains until a goal is reached. */
    @FunctionalInterface
    private interface Way {
        Reached reach(int seed) throws Exception;
    }

    /** Trains for some epochs, from the beginning. */
    @FunctionalInterface
    interface Loop {
        Trained train(int batch, int epochs) throws Exception;
    }

    private final Device device;
    private final Results results;
    private final int[] batches;
    private final int epochs;
    private final int rounds;
    private final List<String> parts;
    private final String python;

    private TrainCommand(Device device, Arguments arguments) {
        this.device = device;
        this.results = new Results(onGpu() ? "train-cuda" : "train", "train");
        this.batches = arguments.numbers("batches", "64,256,1024,4096");
        this.epochs = arguments.number("epochs", EPOCHS);
        this.rounds = arguments.number("rounds", 5);
        this.parts = arguments.words("parts", "speed,time");
        this.python = arguments.text("python", "/usr/bin/python3");
    }

    private boolean onGpu() {
        return device.kind() == Device.Kind.CUDA;
    }

    /** Where all contenders train. */
    private static Device device() {
        if (System.getProperty(DeviceRequest.PROPERTY) == null) {
            System.setProperty(DeviceRequest.PROPERTY, DeviceRequest.CPU.toString());
        }
        if (System.getProperty(PRECISION) == null) {
            System.setProperty(PRECISION, "float32");
        }
        return Devices.choose(DeviceRequest.standard(), Probe.Engine.DJL).device();
    }

    static void run(Arguments arguments) throws Exception {
        List<String> kinds = arguments.words("work", "small,mlp,cnn,spambase");
        Path data = Path.of(arguments.text("data", "../shared/data"));
        Path fashion = Path.of(arguments.text("fashion", "/usr/share/datasets/fashion-mnist"));
        TrainCommand command = new TrainCommand(device(), arguments);
        Path out = arguments.out();
        arguments.refuseOthers();
        for (String kind : kinds) {
            Path folder = Files.createTempDirectory("train");
            try {
                command.compare(TrainingWork.of(kind, data, fashion, folder), folder);
            } finally {
                MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
            }
        }
        command.results.write(out);
    }

    private void compare(TrainingWork work, Path folder) throws Exception {
        if (parts.contains("speed") && work.timed()) {
            TrainingWork some = work.first(ROWS);
            try (EasyTraining easy = new EasyTraining(some, device);
                    PythonTraining torch = PythonTraining.start(python, some, device, folder)) {
                Map<String, Loop> loops = new LinkedHashMap<>();
                loops.put(Contender.FLYWHEEL, (batch, epochs) -> ours(some, batch, epochs));
                loops.put(EASY, easy::train);
                if (torch != null) {
                    loops.put(PYTHON, torch::train);
                }
                sameLoss(work, loops);
                for (int batch : batches) {
                    speed(work, loops, batch);
                }
            }
        }
        if (parts.contains("time") && work.goal() > 0) {
            try (EasyTraining easy = new EasyTraining(work, device);
                    PythonTraining torch = PythonTraining.start(python, work, device, folder)) {
                timeTo(work, easy, torch);
            }
        }
    }

    private static Trainer trainer(TrainingWork work, int batch, int epochs) {
        double rate = 2 * RATE; // ours rises and falls; this is the same on average
        return work.kind().equals("cnn")
                ? Trainers.cnn(8, 16)
                        .epochs(epochs)
                        .batchSize(batch)
                        .learningRate(rate)
                        .weightDecay(0)
                        .dropout(0)
                : Trainers.mlp(work.hidden())
                        .epochs(epochs)
                        .batchSize(batch)
                        .learningRate(rate)
                        .weightDecay(0);
    }

    private static Trained ours(TrainingWork work, int batch, int epochs) {
        long[] ends = new long[epochs];
        double[] losses = new double[epochs];
        trainer(work, batch, epochs).train(work.train(), work.target(), 1, epoch -> {
            ends[epoch.epoch() - 1] = System.nanoTime();
            losses[epoch.epoch() - 1] = epoch.loss();
        });
        long steps = (long) (epochs - 1) * ((work.train().rows() + batch - 1) / batch);
        return new Trained((ends[epochs - 1] - ends[0]) / 1e9, steps, losses[epochs - 1]);
    }

    /** Their schedules differ, so that the losses of a short training do by a little. */
    private static void sameLoss(TrainingWork work, Map<String, Loop> loops) throws Exception {
        Map<String, Double> losses = new LinkedHashMap<>();
        for (Map.Entry<String, Loop> loop : loops.entrySet()) {
            losses.put(loop.getKey(), loop.getValue().train(64, 2 * EPOCHS).loss());
        }
        Console.line("mean loss of epoch %d of %s: %s", 2 * EPOCHS, work.name(), losses);
        double least = losses.values().stream().mapToDouble(x -> x).min().orElseThrow();
        double most = losses.values().stream().mapToDouble(x -> x).max().orElseThrow();
        if (!(most <= 1.25 * least + 0.05)) {
            throw new IllegalStateException("the contenders do not learn the same: " + losses);
        }
    }

    private String where() {
        return onGpu() ? ", on " + device.name() : "";
    }

    private void speed(TrainingWork work, Map<String, Loop> loops, int batch) throws Exception {
        Map<String, Callable<Double>> measured = new LinkedHashMap<>();
        loops.forEach((name, loop) -> measured.put(
                name, () -> Results.rounded(loop.train(batch, epochs).rate())));
        boolean small = work.kind().equals("small") && batch <= 256;
        List<Target> targets = new ArrayList<>(List.of(Target.timesPeer(EASY, small ? 1.5 : 1)));
        if (loops.containsKey(PYTHON)) {
            targets.add(Target.timesPeer(PYTHON, onGpu() ? 0.7 : small ? 0.77 : 1));
        }
        results.add(
                "train " + work.name() + ", batch " + batch + where(),
                "steps/s",
                new Rounds(rounds).run(measured),
                null,
                work.kind().equals("cnn")
                        ? "the time goes into PyTorch's own loops, mostly pooling, which computes many channels at once"
                                + " only where those are neighbours in memory, as "
                                + Contender.FLYWHEEL
                                + " lays them out; the others keep images as they come, channel by channel"
                        : null,
                targets.toArray(Target[]::new));
    }

    private void timeTo(TrainingWork work, EasyTraining easy, @Nullable PythonTraining torch) throws Exception {
        Map<String, Way> contenders = new LinkedHashMap<>();
        contenders.put(Contender.FLYWHEEL, seed -> reach(work, seed));
        contenders.put(EASY, seed -> easy.reach(MOST_EPOCHS));
        List<Target> targets = new ArrayList<>(List.of(Target.belowPeer(EASY)));
        if (torch != null) {
            contenders.put(PYTHON, seed -> torch.reach(work, seed));
            targets.add(Target.belowPeer(PYTHON));
        }
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, List<Integer>> epochs = new LinkedHashMap<>();
        for (int seed = 1; seed <= Math.min(3, rounds); seed++) {
            for (Map.Entry<String, Way> contender : contenders.entrySet()) {
                Reached reached = contender.getValue().reach(seed);
                seconds.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                        .add(Results.rounded(reached.seconds));
                epochs.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                        .add(reached.epochs);
            }
        }
        results.add(
                String.format(
                        Locale.ROOT,
                        "train %s, batch %d%s, until %.0f%% of the test rows are right",
                        work.name(),
                        work.batch(),
                        where(),
                        100 * work.goal()),
                "s",
                seconds,
                null,
                "epochs, a round after the other: " + epochs + "; the rate of " + Contender.FLYWHEEL + " falls to the"
                        + " end, so that its time is that of the shortest whole training that ends there; the others'"
                        + " rate stays, and they stop after the first epoch that gets there",
                targets.toArray(Target[]::new));
    }

    /** The shortest training that reaches the goal. */
    private static Reached reach(TrainingWork work, long seed) {
        for (int epochs = 1; epochs <= MOST_EPOCHS; epochs++) {
            long start = System.nanoTime();
            TrainedModel model =
                    trainer(work, work.batch(), epochs).train(work.train(), work.target(), seed, epoch -> {});
            double seconds = (System.nanoTime() - start) / 1e9;
            if (right(model.predict(work.test()), work.test().labels(), 0.5) >= work.goal()) {
                return new Reached(seconds, epochs);
            }
        }
        throw new IllegalStateException(work.name() + " does not come to " + work.goal());
    }

    /**
     * The share of rows whose answer is their label.
     *
     * @param scores of each class, or one a row
     * @param yes from which on the only score of a row says yes
     */
    static double right(double[] scores, double[] labels, double yes) {
        int classes = scores.length / labels.length;
        int right = 0;
        for (int row = 0; row < labels.length; row++) {
            int best = classes == 1 && scores[row] >= yes ? 1 : 0;
            for (int i = 1; i < classes; i++) {
                best = scores[row * classes + i] > scores[row * classes + best] ? i : best;
            }
            right += best == (int) labels[row] ? 1 : 0;
        }
        return (double) right / labels.length;
    }
}
