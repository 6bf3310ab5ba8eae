package dev.flywheel.pipeline;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What another program would do with a registered model file: ONNX Runtime and raw columns, nothing of ours. */
final class BareOnnxRuntime {

    private BareOnnxRuntime() {}

    /**
     * Runs a batch of rows.
     *
     * @param rows the raw values by column name: Float, String or Long (seconds since 1970)
     */
    static float[] predict(Path model, List<Map<String, Object>> rows) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession session = environment.createSession(model.toString())) {
            Map<String, OnnxTensor> inputs = new HashMap<>();
            for (String input : session.getInputNames()) {
                String columns = Objects.requireNonNull(
                        session.getMetadata().getCustomMetadata().get("flywheel." + input));
                String[] names = columns.substring(2, columns.length() - 2).split("\",\"");
                inputs.put(input, tensor(environment, input, names, rows));
            }
            try (OrtSession.Result result = session.run(inputs)) {
                float[][] output =
                        (float[][]) result.get("prediction").orElseThrow().getValue();
                float[] predictions = new float[output.length];
                for (int row = 0; row < output.length; row++) {
                    predictions[row] = output[row][0];
                }
                return predictions;
            } finally {
                inputs.values().forEach(OnnxTensor::close);
            }
        }
    }

    private static OnnxTensor tensor(
            OrtEnvironment environment, String input, String[] names, List<Map<String, Object>> rows)
            throws OrtException {
        int n = rows.size();
        float[][] numbers = new float[n][names.length];
        String[][] texts = new String[n][names.length];
        long[][] times = new long[n][names.length];
        for (int row = 0; row < n; row++) {
            for (int column = 0; column < names.length; column++) {
                Object value = Objects.requireNonNull(rows.get(row).get(names[column]));
                switch (input) {
                    case "numbers" -> numbers[row][column] = (Float) value;
                    case "texts" -> texts[row][column] = (String) value;
                    default -> times[row][column] = (Long) value;
                }
            }
        }
        return switch (input) {
            case "numbers" -> OnnxTensor.createTensor(environment, numbers);
            case "texts" -> OnnxTensor.createTensor(environment, texts);
            default -> OnnxTensor.createTensor(environment, times);
        };
    }
}
