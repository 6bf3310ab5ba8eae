package dev.flywheel.pipeline;

import ai.djl.engine.Engine;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Devices;
import dev.flywheel.serving.engine.DjlDefaults;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What a run's result may depend on outside its definition and data. */
final class Environment {

    private Environment() {}

    /** {@return the facts of this process, to which a run adds its own} */
    static Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        Package library = Environment.class.getPackage();
        String version = library.getImplementationVersion();
        facts.put("flywheel", version == null ? "built from source" : version);
        facts.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
        facts.put(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch"));
        facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        DjlDefaults.apply();
        facts.put("devices", Devices.all().stream().map(Device::name).collect(Collectors.joining(", ")));
        String djl = Engine.class.getPackage().getSpecificationVersion();
        facts.put(
                "engines",
                "DJL" + (djl == null ? "" : " " + djl)
                        + " with PyTorch for what is built in to train; ONNX Runtime to judge");
        return facts;
    }
}
