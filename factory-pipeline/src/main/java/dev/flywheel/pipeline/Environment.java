package dev.flywheel.pipeline;

import java.util.LinkedHashMap;
import java.util.Map;

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
        return facts;
    }
}
