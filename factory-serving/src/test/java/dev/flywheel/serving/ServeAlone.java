package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import java.nio.file.Path;
import java.util.List;

/** A host application that only serves; run by {@link ServingAloneTest} in a process of its own. */
public final class ServeAlone {

    private ServeAlone() {}

    /** Serves two model files, x -> 2 x and then x -> 3 x, given as arguments. */
    public static void main(String[] arguments) {
        for (String absent : List.of(
                "org.apache.arrow.vector.VectorSchemaRoot",
                "org.apache.arrow.memory.RootAllocator",
                "ai.djl.engine.Engine",
                "ai.djl.pytorch.engine.PtEngine",
                "com.google.common.collect.ImmutableList",
                "com.fasterxml.jackson.databind.ObjectMapper",
                "com.github.benmanes.caffeine.cache.Caffeine",
                "io.micrometer.core.instrument.MeterRegistry")) {
            try {
                Class.forName(absent);
                throw new AssertionError(absent + " is on the class path");
            } catch (ClassNotFoundException expected) {
                System.out.println("absent: " + absent);
            }
        }
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(Path.of(arguments[0]), Tensors.floats())
                .version(1)
                .observer((id, version, input, raw, at) -> System.out.println("observed: " + raw))
                .open()) {
            show(endpoint.predict(new float[] {1}));
            show(endpoint.predictAsync(new float[] {2}).join());
            endpoint.predictAll(List.of(new float[] {3}, new float[] {4})).forEach(ServeAlone::show);
            endpoint.swap(Path.of(arguments[1]), 2);
            show(endpoint.predict(new float[] {1}));
            System.out.println("requests: " + endpoint.snapshot().total().requests());
        }
    }

    private static void show(Prediction<float[]> prediction) {
        System.out.println("version " + prediction.version() + ": " + prediction.value()[0]);
    }
}
