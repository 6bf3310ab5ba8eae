package dev.flywheel.core.device;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;

/** What the providers find for each engine, looked for once. Thread-safe. */
final class Discovery {

    private final List<DeviceProvider> providers;
    private final List<String> failures;
    private final Map<Probe.Engine, Probe> probes = new EnumMap<>(Probe.Engine.class);

    private Discovery(List<DeviceProvider> providers, List<String> failures) {
        this.providers = providers;
        this.failures = failures;
    }

    static Discovery of(Iterable<? extends DeviceProvider> found) {
        List<DeviceProvider> providers = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        Iterator<? extends DeviceProvider> iterator = found.iterator();
        while (true) {
            try {
                if (!iterator.hasNext()) {
                    break;
                }
                providers.add(iterator.next());
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                // A module for accelerators that is broken must not keep the application from running on the CPU.
                failures.add("a device provider failed: " + e);
            }
        }
        return new Discovery(providers, failures);
    }

    /** {@return what all providers together find for an engine; why there is nothing is what the first one says} */
    synchronized Probe probe(Probe.Engine engine) {
        Probe known = probes.get(engine);
        if (known == null) {
            known = look(engine);
            probes.put(engine, known);
        }
        return known;
    }

    private Probe look(Probe.Engine engine) {
        List<Device> devices = new ArrayList<>();
        List<Probe> blocked = new ArrayList<>();
        List<String> failed = new ArrayList<>(failures);
        for (DeviceProvider provider : providers) {
            try {
                Probe probe = provider.probe(engine);
                devices.addAll(probe.devices());
                if (probe.obstacle().isPresent()) {
                    blocked.add(probe);
                }
            } catch (RuntimeException | LinkageError e) {
                failed.add("the device provider " + provider.name() + " failed: " + e);
            }
        }
        if (!devices.isEmpty()) {
            return Probe.found(engine, devices);
        }
        if (!blocked.isEmpty()) {
            return blocked.get(0);
        }
        return failed.isEmpty()
                ? Probe.blocked(
                        engine,
                        Probe.Cause.NO_MODULE,
                        "no module for accelerators is on the class path",
                        "add dev.flywheel:factory-gpu")
                : Probe.blocked(
                        engine,
                        Probe.Cause.FAILED,
                        String.join("; ", failed),
                        "use versions of the modules that belong together");
    }

    /** {@return every device that any engine can use; the CPU is always there, and last} */
    List<Device> devices() {
        List<Device> all = new ArrayList<>();
        for (Probe.Engine engine : Probe.Engine.values()) {
            for (Device device : probe(engine).devices()) {
                if (!all.contains(device)) {
                    all.add(device);
                }
            }
        }
        all.add(Device.cpu());
        return List.copyOf(all);
    }

    /** {@return the accelerator of the first provider that has one} */
    Optional<Accelerator> accelerator(Device device) {
        return providers.stream()
                .flatMap(provider -> provider.accelerator(device).stream())
                .findFirst();
    }
}
