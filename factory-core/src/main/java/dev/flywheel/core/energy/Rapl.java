package dev.flywheel.core.energy;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The energy of processor packages, as Linux tells it: RAPL counters of Intel and AMD in microjoules. Packages only,
 * since what lies in them (cores, graphics) is counted by them already. By default only root may read them.
 *
 * <p>Source: the kernel's "Power Capping Framework", Documentation/power/powercap/powercap.rst.
 */
final class Rapl implements EnergyProvider {

    /** Where Linux has it. */
    static final Path SYSTEM = Path.of("/sys/class/powercap");

    private final Path root;
    private String explanation = "not looked for";

    Rapl(Path root) {
        this.root = root;
    }

    @Override
    public String name() {
        return "RAPL";
    }

    @Override
    public synchronized String explanation() {
        return explanation;
    }

    @Override
    public synchronized List<EnergyGauge> gauges() {
        List<EnergyGauge> found = new ArrayList<>();
        int closed = 0;
        // "intel-rapl:0" is a package, on AMD, too; "intel-rapl:0:1" lies in it, and "intel-rapl-mmio:0" repeats it
        try (DirectoryStream<Path> zones = Files.newDirectoryStream(root, "intel-rapl:[0-9]*")) {
            for (Path zone : zones) {
                String name = zone.getFileName().toString();
                String label = text(zone.resolve("name"));
                if (name.indexOf(':') == name.lastIndexOf(':') && label.startsWith("package-")) {
                    Zone gauge = new Zone(label.substring("package-".length()), zone);
                    if (gauge.joules().isPresent()) {
                        found.add(gauge);
                    } else {
                        closed++;
                    }
                }
            }
        } catch (IOException e) {
            closed = 0;
        }
        explanation = !found.isEmpty()
                ? found.size() + " of " + (found.size() + closed) + " CPU packages can be read"
                : closed > 0
                        ? "the energy of the CPU may not be read; root may, or whoever is let read energy_uj in " + root
                        : "this system tells no energy of the CPU";
        found.sort((a, b) -> a.device().compareTo(b.device()));
        return List.copyOf(found);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static OptionalDouble joules(Path file) {
        try {
            return OptionalDouble.of(Long.parseLong(Files.readString(file).strip()) / 1e6);
        } catch (IOException | NumberFormatException e) {
            return OptionalDouble.empty();
        }
    }

    /** One package. */
    private static final class Zone implements EnergyGauge {

        private final String device;
        private final Path counter;
        private final double wrapsAt;

        Zone(String number, Path zone) {
            this.device = "CPU package " + number;
            this.counter = zone.resolve("energy_uj");
            this.wrapsAt = Rapl.joules(zone.resolve("max_energy_range_uj")).orElse(Double.POSITIVE_INFINITY);
        }

        @Override
        public String device() {
            return device;
        }

        @Override
        public Energy.Source counter() {
            return Energy.Source.CPU_PACKAGE;
        }

        @Override
        public OptionalDouble joules() {
            return Rapl.joules(counter);
        }

        @Override
        public double wrapsAt() {
            return wrapsAt;
        }
    }
}
