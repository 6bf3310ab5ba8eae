package dev.flywheel.gpu;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the files of an NVIDIA driver say, without loading a library of it. Immutable. */
final class NvidiaDriver {

    private static final Logger log = LoggerFactory.getLogger(NvidiaDriver.class);

    private final List<Path> signs;
    private final Path gpus;

    /**
     * @param signs files of which one is there when a driver is
     * @param gpus the directory with one directory for each GPU
     */
    NvidiaDriver(List<Path> signs, Path gpus) {
        this.signs = List.copyOf(signs);
        this.gpus = gpus;
    }

    static NvidiaDriver ofThisMachine() {
        String windows = System.getenv().getOrDefault("SystemRoot", "C:\\Windows");
        boolean onWindows = System.getProperty("os.name").startsWith("Windows");
        return new NvidiaDriver(
                onWindows
                        ? List.of(Path.of(windows, "System32", "nvcuda.dll"))
                        : List.of(Path.of("/dev/nvidiactl"), Path.of("/dev/dxg")),
                Path.of("/proc/driver/nvidia/gpus"));
    }

    /** A GPU as the driver lists it. */
    record Gpu(String model, Optional<String> uuid) {}

    /** {@return why there is no driver; empty if there is one} */
    Optional<String> missing() {
        if (signs.stream().anyMatch(Files::exists)) {
            return Optional.empty();
        }
        return Optional.of("no NVIDIA driver is visible: found none of " + signs);
    }

    /** {@return the GPU, if the driver lists exactly one} */
    Optional<Gpu> onlyGpu() {
        List<Path> listed = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(gpus)) {
            entries.forEach(listed::add);
            return listed.size() == 1 ? Optional.of(read(listed.get(0).resolve("information"))) : Optional.empty();
        } catch (IOException e) {
            log.debug("the driver's list of GPUs cannot be read", e);
            return Optional.empty();
        }
    }

    private static Gpu read(Path information) throws IOException {
        String model = "NVIDIA GPU";
        Optional<String> uuid = Optional.empty();
        for (String line : Files.readAllLines(information)) {
            int colon = line.indexOf(':');
            String value = line.substring(colon + 1).strip();
            if (line.startsWith("Model:")) {
                model = value;
            } else if (line.startsWith("GPU UUID:") && !value.contains("?")) {
                uuid = Optional.of(value);
            }
        }
        return new Gpu(model, uuid);
    }
}
