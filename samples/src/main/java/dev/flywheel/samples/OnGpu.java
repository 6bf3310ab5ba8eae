package dev.flywheel.samples;

import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.engine.CudaOptions;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.engine.OnnxOptions;
import java.nio.file.Path;
import java.util.Random;

/** A model of yours on a GPU, or the reason why it cannot run there and what to do about that. */
public final class OnGpu {

    private OnGpu() {}

    public static void main(String[] args) {
        Path model = Path.of(System.getProperty("model", ""));
        int width = Integer.getInteger("width", 1024);
        try (Endpoint<float[], float[]> endpoint = open(model)) {
            float[] row = new float[width];
            Random random = new Random(1);
            for (int i = 0; i < width; i++) {
                row[i] = random.nextFloat();
            }
            float[] answer = endpoint.predict(row).value();
            System.out.println(answer.length + " numbers from "
                    + endpoint.snapshot().versions().get(0).device().name());
        }
    }

    static Endpoint<float[], float[]> open(Path model) {
        OnnxOptions options = OnnxOptions.defaults()
                .device(DeviceRequest.REQUIRE_CUDA) // AUTO, CUDA and CPU are the others
                .cuda(CudaOptions.defaults().memoryLimit(4L << 30));
        return Endpoint.of(OnnxEngine.open(model, options), Tensors.floats()).open();
    }
}
