package dev.flywheel.serving.stress;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.file.Path;

/** Swaps to a model for whose lanes there is no memory off the heap; run by {@link MemoryFaultTest}. */
public final class HostileMemory {

    private HostileMemory() {}

    /**
     * Serves one model and tries to swap to the other.
     *
     * @param arguments the file of a small model, x -> 2 x, and of one with wide rows
     */
    public static void main(String[] arguments) {
        Path small = Path.of(arguments[0]);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(small, Tensors.floats()).lanes(4).version(1).open()) {
            for (int i = 0; i < 20; i++) {
                try {
                    endpoint.swap(Path.of(arguments[1]), 2);
                    System.out.println("swapped");
                } catch (OutOfMemoryError e) {
                    System.out.println("refused: " + e.getMessage());
                }
                System.out.println("version " + endpoint.version() + " says "
                        + endpoint.predict(new float[] {i}).value()[0]);
            }
            endpoint.swap(small, 3);
            System.out.println("version " + endpoint.version() + " says "
                    + endpoint.predict(new float[] {21}).value()[0]);
        }
    }
}
