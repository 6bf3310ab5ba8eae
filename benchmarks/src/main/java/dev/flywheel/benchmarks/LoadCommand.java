package dev.flywheel.benchmarks;

/** Measures throughput and latency against concurrency. */
final class LoadCommand {

    private LoadCommand() {}

    static void run(Arguments arguments) throws Exception {
        Djl.first();
        String workload = arguments.text("workload", "mlp");
        switch (workload) {
            case "mlp" -> new MlpLoad(arguments).run();
            case "minilm" -> new MiniLmLoad(arguments).run();
            default -> throw new IllegalArgumentException("--workload is mlp or minilm, found \"" + workload + "\"");
        }
    }
}
