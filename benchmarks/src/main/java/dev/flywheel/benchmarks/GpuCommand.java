package dev.flywheel.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.flywheel.gpu.CudaNatives;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds a GPU against what is expected of it, and of Flywheel on it. Without one every check that needs a GPU is
 * skipped with the reason, and what can be tried on the CPU is.
 */
final class GpuCommand {

    private GpuCommand() {}

    static void run(Arguments arguments) throws Exception {
        String torch = arguments.text("torch", "");
        List<String> only = arguments.words("only", "");
        double seconds = arguments.nanos("seconds", 1) / 1e9;
        String natives = arguments.text("natives", "");
        Path out = arguments.out();
        arguments.refuseOthers();
        if (!natives.isEmpty()) {
            Console.line(
                    "%d libraries loaded from %s",
                    CudaNatives.load(Path.of(natives)).size(), natives);
        }
        JsonNode theirs = torch.isEmpty() || !Files.isRegularFile(Path.of(torch))
                ? MissingNode.getInstance()
                : new ObjectMapper().readTree(Path.of(torch).toFile());
        GpuFindings findings = new GpuFindings(only);
        String date = LocalDate.now(ZoneOffset.UTC).toString();
        Map<String, Object> machine = new LinkedHashMap<>();
        try (GpuBench bench = new GpuBench(theirs, seconds)) {
            machine.put("processor", Results.machine());
            machine.put("jdk", System.getProperty("java.version"));
            machine.put("device", bench.onGpu() ? bench.device().toString() : bench.obstacle());
            machine.put("gpus", bench.telemetry().gpus().toString());
            machine.put("ceilings, as PyTorch measures them", theirs.isEmpty() ? "not measured" : theirs);
            machine.forEach((name, value) -> Console.line("%s: %s", name, value));
            GpuTelemetryChecks telemetry = new GpuTelemetryChecks(bench);
            telemetry.run(findings);
            new GpuServingChecks(bench).run(findings);
            telemetry.runAtWork(findings);
            new GpuSharingChecks(bench).run(findings);
            new GpuTraining(bench).run(findings);
        }
        findings.write(out.resolve("gpu-" + date + ".json"), "benchmarks/gpu/verify.sh", date, machine);
    }
}
