package dev.flywheel.core.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;

/** One search for devices. Immutable. */
final class Discovery {

    private final List<Device> devices;
    private final String summary;

    private Discovery(List<Device> devices, String summary) {
        this.devices = List.copyOf(devices);
        this.summary = summary;
    }

    static Discovery of(Iterable<? extends DeviceProvider> providers) {
        List<Device> found = new ArrayList<>();
        List<String> explanations = new ArrayList<>();
        Iterator<? extends DeviceProvider> iterator = providers.iterator();
        while (true) {
            try {
                if (!iterator.hasNext()) {
                    break;
                }
                DeviceProvider provider = iterator.next();
                found.addAll(provider.devices());
                explanations.add(provider.name() + ": " + provider.explanation());
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                // A module for accelerators that is broken must not keep the application from running on the CPU.
                explanations.add("a device provider failed: " + e);
            }
        }
        if (explanations.isEmpty()) {
            explanations.add("no module for accelerators is on the class path, such as factory-gpu");
        }
        String what = found.isEmpty() ? "no accelerator found, everything runs on the CPU" : "found " + found;
        found.add(Device.cpu());
        return new Discovery(found, what + " (" + String.join("; ", explanations) + ")");
    }

    List<Device> devices() {
        return devices;
    }

    Device best() {
        return devices.stream()
                .filter(d -> d.kind() != Device.Kind.CPU)
                .max(Comparator.comparingLong((Device d) -> d.memoryBytes().orElse(0))
                        .thenComparing(Comparator.comparingInt(Device::index).reversed()))
                .orElseGet(() -> devices.get(devices.size() - 1));
    }

    String summary() {
        return summary;
    }
}
