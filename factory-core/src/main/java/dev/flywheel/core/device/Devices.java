package dev.flywheel.core.device;

import java.util.List;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The devices of this machine, found once in a process. What was found, and why, is in the log. Thread-safe. */
public final class Devices {

    private static final Logger log = LoggerFactory.getLogger(Devices.class);

    private Devices() {}

    /** Looked for on the first use, because looking may load native libraries. */
    private static final class Found {

        static final Discovery DISCOVERY = look();

        private static Discovery look() {
            Discovery discovery = Discovery.of(ServiceLoader.load(DeviceProvider.class));
            log.info("{}", discovery.summary());
            return discovery;
        }
    }

    /** {@return every device; the CPU is always there, and last} */
    public static List<Device> all() {
        return Found.DISCOVERY.devices();
    }

    /** {@return the accelerator with the most memory, or the CPU if there is none} */
    public static Device best() {
        return Found.DISCOVERY.best();
    }
}
