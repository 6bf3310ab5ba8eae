package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.MoreCollectors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command runs to its end and writes what it found. The durations are far too short to mean anything. */
class CommandsTest {

    @TempDir
    Path out;

    @BeforeAll
    static void djlMakesTheEnvironment() {
        Djl.first();
    }

    @Test
    void loadOnTheSmallModelFindsEveryTarget() throws Exception {
        run(LoadCommand::run, "--callers 1,9 --in-flight 32 --rates 2000 --rounds 1 --seconds 0.01");
        assertThat(rows("load-mlp"))
                .extracting(Results.Row::work, Results.Row::targetIs)
                .contains(
                        tuple("predict, mlp, 1 caller", ">= 0.9 x the limit"),
                        tuple("predict, mlp, 1 caller", ">= 5 x djl-predictor"),
                        tuple("predict, mlp, 1 caller, p99", "<= 3 x the limit"),
                        tuple("predict, mlp, 9 callers", ">= 300,000"),
                        tuple("predict, mlp, 9 callers, slowest request", "<= 15,000"),
                        tuple("predictAll of 64, mlp", ">= 0.7 x the limit"),
                        tuple("predictAsync, mlp, 32 in flight", ">= 0.7 x the limit"));
        assertThat(rows("load-mlp"))
                .filteredOn(row -> row.targetIs() != null)
                .allSatisfy(row -> assertThat(row.met() == null)
                        .isEqualTo(String.valueOf(row.targetIs()).contains(MlpLoad.WLM)));
    }

    @Test
    void loadOnTheTransformerMeasuresItsPeers() throws Exception {
        run(LoadCommand::run, "--workload minilm --callers 2 --rounds 1 --seconds 0.01");
        assertThat(rows("load-minilm").get(0).peers()).containsKeys("ort-each", "djl-predictor");
    }

    @Test
    void scoreMeasuresDatasetsAndFeatures() throws Exception {
        run(ScoreCommand::run, "--rows 3000 --rounds 1 --seconds 0.01");
        assertThat(rows("score"))
                .extracting(Results.Row::work)
                .contains(
                        "score(Dataset), 20 columns, 3000 rows",
                        "run of ten feature columns + MLP, batch 1",
                        "run of ten feature columns + MLP, batch 64");
    }

    @Test
    void swapFindsNoWrongAnswer() throws Exception {
        run(SwapCommand::run, "--callers 2 --rounds 1 --seconds 0.2 --every 20");
        assertThat(rows("swap"))
                .filteredOn(row -> row.unit().equals("requests"))
                .hasSize(2)
                .allSatisfy(row -> assertThat(row.flywheel()).isZero());
    }

    @Test
    void shadowComparesAnswersBesideTheCallers() throws Exception {
        run(ShadowCommand::run, "--rounds 1 --seconds 0.1");
        assertThat(rows("shadow").get(0).targetIs()).isEqualTo("<= 1.05 x the limit");
        assertThat(rows("shadow").get(0).peers()).containsKey("no shadow again");
    }

    @Test
    void logJoinsWhatItHasLogged() throws Exception {
        run(LogCommand::run, "--rates 1000 --labellers 4 --predictions 3000 --rounds 1 --seconds 0.1");
        assertThat(rows("logs")).hasSize(11);
        assertThat(rows("logs"))
                .filteredOn(row -> row.work().endsWith("not logged"))
                .allSatisfy(row -> assertThat(row.flywheel()).isZero());
    }

    @Test
    void watchAsksTheSameOfBoth() throws Exception {
        run(WatchCommand::run, "--callers 1 --rate 1000 --rounds 1 --seconds 0.05");
        assertThat(rows("watch"))
                .hasSize(6)
                .allSatisfy(row -> assertThat(row.flywheel()).isPositive());
        assertThat(rows("watch").get(5).targetIs()).isEqualTo("<= 1.01 x the limit");
    }

    @Test
    void steadyWatchesMemory() throws Exception {
        run(SteadyCommand::run, "--predictions 20000 --swaps 100 --callers 4");
        assertThat(rows("steady")).hasSize(3);
        assertThat(Files.readString(out.resolve("steady.svg")))
                .startsWith("<svg ")
                .contains("direct buffers");
    }

    @Test
    void microMeasuresTimeAndBytes() throws Exception {
        run(Micro::run, "--filter predict1|bare1 --forks 0 --iterations 1 --seconds 0.01");
        assertThat(rows("micro"))
                .extracting(Results.Row::work)
                .contains("predict1", "allocated by predict beyond ONNX Runtime's run and the answer");
    }

    @Test
    void anyModelIsMeasuredWithInputsMadeUp() throws Exception {
        run(ModelCommand::run, "--model " + SmallMlp.write() + " --callers 2 --rounds 1 --seconds 0.01");
        try (var files = Files.list(out)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .singleElement()
                    .asString()
                    .startsWith("model-");
        }
    }

    @Test
    void aModelThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> run(ModelCommand::run, "--model nowhere.onnx"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("cannot load nowhere.onnx: there is no such file. Fix: check the path.");
    }

    @Test
    void peekFindsNoMoreWrongStopsThanAlpha() throws Exception {
        run(PeekCommand::run, "--experiments 100 --observations 2000 --effect 50");

        List<Results.Row> rows = rows("always-valid");
        assertThat(rows).hasSize(6);
        assertThat(rows.subList(0, 3)).allSatisfy(row -> {
            assertThat(row.flywheel()).isLessThanOrEqualTo(0.05);
            assertThat(row.met()).isTrue();
            assertThat(row.peers().values()).allMatch(naive -> naive > 0.1);
        });
        assertThat(rows.get(3).limit())
                .as("two groups of 64 by the exact t test (Cohen 1988, table 2.4.1), 63 by the normal approximation")
                .isEqualTo(128);
    }

    @Test
    void detectCountsDelaysAndFalseAlarms() throws Exception {
        Path moa = Files.writeString(out.resolve("moa.json"), "{\"version\" : \"1\"}");
        run(DetectCommand::run, "--streams 20 --moa " + moa);
        run(DetectCommand::run, "--streams 20");

        JsonNode sheet =
                new ObjectMapper().readTree(out.resolve("detectors.json").toFile());
        assertThat(sheet.get("moa").get("version").asText()).isEqualTo("1");
        assertThat(sheet.get("rows")).hasSize(47);
        JsonNode adwin = sheet.get("rows").get(0);
        assertThat(adwin.get("stream").asText()).isEqualTo("bernoulli 0.10, then 0.20");
        assertThat(adwin.get("detector").asText()).isEqualTo("ADWIN");
        assertThat(adwin.get("detected").asDouble()).isGreaterThan(0.5);
        assertThat(adwin.get("median_delay").asDouble()).isBetween(100.0, 900.0);
        assertThat(sheet.get("rows").get(46).get("false_alarms_per_10000").asDouble())
                .isBetween(0.5, 6.0);
    }

    @Test
    void gatesPromoteWhatIsBetterAndLittleElse() throws Exception {
        run(GatesCommand::run, "--pairs 100 --truth 200000");

        List<Results.Row> rows = rows("gates");
        assertThat(rows).hasSize(3 * (3 * 3 + 4) + 1 + 3);
        assertThat(rows)
                .filteredOn(row -> row.targetIs() != null)
                .allSatisfy(row -> assertThat(row.flywheel()).as(row.work()).isLessThanOrEqualTo(0.08));
        assertThat(rows)
                .filteredOn(row -> row.work().contains("the best of 10"))
                .allSatisfy(
                        row -> assertThat(row.peers().values()).allMatch(chosenThere -> chosenThere > row.flywheel()));
        assertThat(rows)
                .filteredOn(row -> row.work().contains("5000 rows: RMSE, challenger better"))
                .allSatisfy(row -> assertThat(row.flywheel()).isGreaterThan(0.9));
    }

    @Test
    void gpuSaysOfEveryCheckWhatCameOfIt() throws Exception {
        run(GpuCommand::run, "--seconds 0.01 --only G1,G4,G5,G12");
        try (var files = Files.list(out)) {
            JsonNode sheet = new ObjectMapper()
                    .readTree(files.collect(MoreCollectors.onlyElement()).toFile());
            assertThat(sheet.get("checks")).hasSize(4).allSatisfy(check -> {
                assertThat(check.get("threshold").asText()).isNotBlank();
                boolean passed = check.get("outcome").asText().equals("PASS");
                assertThat(check.has("why")).isNotEqualTo(passed);
                assertThat(check.path("why").asText()).doesNotContain("expected", "Exception");
            });
        }
    }

    @Test
    void anUnknownOptionIsRefused() {
        assertThatThrownBy(() -> run(SwapCommand::run, "--caller 2"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "there is no option --caller here, only --callers, --every, --out, --profile, --rounds, --seconds");
    }

    @Test
    void helpNamesEveryCommand() {
        assertThat(Main.commands().keySet())
                .isNotEmpty()
                .allSatisfy(command -> assertThat(Main.HELP).contains("\n  " + command + " "));
    }

    @Test
    void anOptionThatIsNoNumberIsRefused() {
        assertThatThrownBy(() -> run(SwapCommand::run, "--rounds many"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("--rounds takes a whole number, found \"many\"");
    }

    private void run(Main.Command command, String options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
        arguments.add("--out");
        arguments.add(out.toString());
        command.run(new Arguments(arguments));
    }

    private List<Results.Row> rows(String name) throws IOException {
        Results.Sheet sheet = Results.read(out, name);
        assertThat(sheet).isNotNull();
        return sheet == null ? List.of() : sheet.rows();
    }
}
