package dev.flywheel.serving.stress;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** Serves and swaps in a process of its own, and prints how much memory that process has; run by {@link SoakTest}. */
public final class Soak {

    private static final int WIDTH = 16;
    private static final int WINDOW = 500;

    /** More than the buffers of the version that serves, less than those of two. */
    private static final long ONE_VERSION = 48 << 10;

    private Soak() {}

    /**
     * Serves, swaps and prints.
     *
     * @param arguments a directory, the swaps of a part, the predictions of a part; the parts: one to warm up, and two
     *     that are compared
     */
    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        int swaps = Integer.parseInt(arguments[1]);
        int predictions = Integer.parseInt(arguments[2]);
        // Half a MiB of weights each, so that a version that stays is seen.
        Path[] models = {
            TestModels.mlp(directory.resolve("even.onnx"), WIDTH, 8_000, 1, 1),
            TestModels.mlp(directory.resolve("odd.onnx"), WIDTH, 8_000, 1, 2)
        };
        Path small = TestModels.mlp(directory.resolve("small.onnx"), WIDTH, 16, 1, 3);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(small, Tensors.floats()).lanes(2).open()) {
            for (int part = 0; part < 3; part++) {
                for (int i = 1; i <= swaps; i++) {
                    endpoint.swap(models[i % 2], i);
                    predict(endpoint, 20);
                }
                endpoint.swap(small, 0);
                predict(endpoint, predictions);
                long direct = settled();
                System.out.println("part " + part + ": " + resident() + " KiB resident, " + direct + " bytes direct");
            }
        }
    }

    private static void predict(Endpoint<float[], float[]> endpoint, int count) {
        float[] row = new float[WIDTH];
        List<float[]> rows = new ArrayList<>();
        List<CompletableFuture<?>> window = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            row[i % WIDTH] = i;
            if (i % 4 == 0) {
                endpoint.predict(row.clone());
            } else if (i % 4 == 1) {
                rows.add(row.clone());
            } else {
                window.add(endpoint.predictAsync(row.clone()));
            }
            if (window.size() == WINDOW || i == count - 1) {
                endpoint.predictAll(rows);
                CompletableFuture.allOf(window.toArray(new CompletableFuture<?>[0]))
                        .join();
                rows.clear();
                window.clear();
            }
        }
    }

    private static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .sum();
    }

    /** {@return the direct memory once the cleaner has freed what nobody holds, which it does in its own time} */
    private static long settled() {
        long direct = Long.MAX_VALUE;
        for (int i = 0; i < 500 && direct > ONE_VERSION; i++) {
            System.gc();
            LockSupport.parkNanos(10_000_000);
            direct = Math.min(direct, direct());
        }
        return direct;
    }

    private static long direct() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }
}
