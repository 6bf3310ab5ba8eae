package dev.flywheel.pipeline.export;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.pipeline.train.TrainedModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes fitted features and the network behind them as one ONNX file, which takes raw columns and gives predictions.
 */
public final class ModelExport {

    private static final String FILE = "model.onnx";

    private ModelExport() {}

    /**
     * {@return what was written into a directory: a model that was brought, as it is, and any other one behind its
     * features}
     *
     * @throws dev.flywheel.core.StoreException if the file cannot be written
     */
    public static TrainedModel.Whole into(Path directory, FittedFeatures features, TrainedModel model) {
        return model.write(directory)
                .orElseGet(
                        () -> new TrainedModel.Whole(FILE, write(features, model, directory.resolve(FILE)), Map.of()));
    }

    /**
     * {@return the signature of the model that was written}
     *
     * @param features what the model was trained on
     * @param model the trained network
     * @param file the ONNX file to write
     * @throws dev.flywheel.core.StoreException if the file cannot be written
     */
    public static Signature write(FittedFeatures features, TrainedModel model, Path file) {
        OnnxGraph graph = new OnnxGraph("flywheel");
        String prediction = model.emit(graph, features.emit(graph));
        graph.output(Signature.PREDICTION, prediction, ElementType.FLOAT, model.outputs());
        graph.metadata("flywheel.task", model.task().name());
        graph.write(file);
        List<Long> shape = List.of(-1L, (long) model.outputs());
        TensorSpec output = new TensorSpec(Signature.PREDICTION, ElementType.FLOAT, shape, List.of());
        return new Signature(features.inputs(), List.of(output));
    }
}
