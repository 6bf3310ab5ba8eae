package dev.flywheel.benchmarks;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.evaluator.BinaryAccuracy;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import dev.flywheel.core.device.Device.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A training as users of DJL write it. Not thread-safe. */
final class EasyTraining implements AutoCloseable {

    private static final String ENGINE = "PyTorch";

    private final TrainingWork work;
    private final Device device;
    private final NDManager manager;
    private final NDArray numbers;
    private final NDArray labels;

    EasyTraining(TrainingWork work, dev.flywheel.core.device.Device where) {
        this.work = work;
        this.device = where.kind() == Kind.CUDA ? Device.gpu(where.index()) : Device.cpu();
        this.manager = NDManager.newBaseManager(device, ENGINE);
        int rows = work.train().rows();
        this.numbers = manager.create(
                work.train().numbers(), new Shape(rows, work.train().numberCount()), DataType.FLOAT32);
        this.labels = manager.create(work.train().labels(), new Shape(rows, 1)).toType(DataType.FLOAT32, false);
    }

    private Block block() {
        SequentialBlock block = new SequentialBlock();
        if (work.kind().equals("cnn")) {
            block.add(arrays -> new NDList(arrays.singletonOrThrow().reshape(-1, 1, 28, 28)));
            for (int filters : new int[] {8, 16}) {
                block.add(Conv2d.builder()
                                .setKernelShape(new Shape(3, 3))
                                .optPadding(new Shape(1, 1))
                                .setFilters(filters)
                                .build())
                        .add(Activation.reluBlock())
                        .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
            }
            block.add(Blocks.batchFlattenBlock());
        }
        return block.add(Linear.builder().setUnits(work.hidden()).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(work.outputs()).build());
    }

    private DefaultTrainingConfig config() {
        boolean binary = work.outputs() == 1;
        return new DefaultTrainingConfig(binary ? Loss.sigmoidBinaryCrossEntropyLoss() : Loss.softmaxCrossEntropyLoss())
                .addEvaluator(binary ? new BinaryAccuracy("Accuracy", 0) : new Accuracy())
                .optDevices(new Device[] {device})
                .optOptimizer(Optimizer.adam()
                        .optLearningRateTracker(Tracker.fixed(1e-3f))
                        .build());
    }

    TrainCommand.Trained train(int batch, int epochs) throws IOException, TranslateException {
        List<Long> ends = new ArrayList<>();
        DefaultTrainingConfig config = config().addTrainingListeners(TrainingListener.Defaults.basic());
        config.addTrainingListeners(new TrainingListenerAdapter() {
            @Override
            public void onEpoch(Trainer trainer) {
                ends.add(System.nanoTime());
            }
        });
        ArrayDataset data = data(batch);
        try (Model model = Model.newInstance("easy", device, ENGINE)) {
            model.setBlock(block());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(batch, work.train().numberCount()));
                EasyTrain.fit(trainer, epochs, data, null);
                long steps = (long) (epochs - 1) * ((work.train().rows() + batch - 1) / batch);
                double seconds = (ends.get(epochs - 1) - ends.get(0)) / 1e9;
                return new TrainCommand.Trained(
                        seconds, steps, trainer.getTrainingResult().getTrainLoss());
            }
        }
    }

    private ArrayDataset data(int batch) {
        return new ArrayDataset.Builder()
                .setData(numbers)
                .optLabels(labels)
                .setSampling(batch, true)
                .build();
    }

    /** Trains until the test rows are answered as well as the work asks for. */
    TrainCommand.Reached reach(int mostEpochs) throws IOException, TranslateException {
        ArrayDataset data = data(work.batch());
        double[] tests = work.test().labels();
        try (Model model = Model.newInstance("easy", device, ENGINE)) {
            model.setBlock(block());
            try (Trainer trainer = model.newTrainer(config().addTrainingListeners(TrainingListener.Defaults.basic()));
                    NDManager pass = manager.newSubManager()) {
                NDArray rows = pass.create(
                        work.test().numbers(),
                        new Shape(tests.length, work.test().numberCount()),
                        DataType.FLOAT32);
                trainer.initialize(new Shape(work.batch(), work.train().numberCount()));
                double seconds = 0;
                for (int epoch = 1; epoch <= mostEpochs; epoch++) {
                    long start = System.nanoTime();
                    EasyTrain.fit(trainer, 1, data, null);
                    seconds += (System.nanoTime() - start) / 1e9;
                    if (TrainCommand.right(answers(trainer, rows), tests, 0) >= work.goal()) {
                        return new TrainCommand.Reached(seconds, epoch);
                    }
                }
            }
        }
        throw new IllegalStateException("EasyTrain does not bring " + work.name() + " to " + work.goal());
    }

    private static double[] answers(Trainer trainer, NDArray rows) {
        try (NDList outputs = trainer.evaluate(new NDList(rows))) {
            float[] values = outputs.singletonOrThrow().toFloatArray();
            return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
