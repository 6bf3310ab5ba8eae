package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {

    @TempDir
    Path folder;

    @Test
    void eachTargetGetsARowThatSaysWhetherItIsMet() throws Exception {
        Map<String, List<Double>> values = new LinkedHashMap<>();
        values.put("flywheel", List.of(80.0, 95.0, 90.0));
        values.put("limit", List.of(100.0));
        values.put("other", List.of(20.0));
        Results results = new Results("some", "load");
        results.add(
                "work",
                "requests/s",
                values,
                null,
                null,
                Target.ofLimit(0.9),
                Target.timesPeer("other", 5),
                Target.atLeast(90),
                Target.timesPeer("absent", 2));
        results.write(folder);
        Results.Sheet sheet = Results.read(folder, "some");
        assertThat(sheet).isNotNull();
        assertThat(sheet.command()).isEqualTo("java -jar benchmarks/target/benchmarks.jar load");
        assertThat(sheet.rows()).extracting(Results.Row::met).containsExactly(true, false, true, null);
        assertThat(sheet.rows()).extracting(Results.Row::compared).containsExactly(0.9, 4.5, 90.0, null);
        assertThat(sheet.rows().get(0).flywheel()).isEqualTo(90);
        assertThat(sheet.rows().get(0).ratio()).isEqualTo(0.9);
        assertThat(sheet.rows().get(0).rounds()).containsExactly(80.0, 95.0, 90.0);
    }

    @Test
    void timesAreMetFromBelow() {
        assertThat(Target.timesLimit(3).met(2.9)).isTrue();
        assertThat(Target.atMost(15_000).met(15_001)).isFalse();
        assertThat(Target.atMost(15_000).text()).isEqualTo("<= 15,000");
    }

    @Test
    void losingRowsStandInTheTable() throws Exception {
        Results results = new Results("swap", "swap");
        results.add("slow work", "us", Map.of("flywheel", List.of(9.0)), null, null, Target.atMost(3));
        results.add("no target", "us", Map.of("flywheel", List.of(9.0)), null, null);
        results.write(folder);
        String readme = "before\n" + ReadmeTable.BEGIN + "\nold\n" + ReadmeTable.END + "\nafter\n";
        assertThat(ReadmeTable.renew(readme, folder))
                .startsWith("before\n")
                .endsWith(ReadmeTable.END + "\nafter\n")
                .contains("0 targets met, 1 missed")
                .contains("| slow work (us) | 9.00 |  |  | ≤ 3: 9.00, **missed** |")
                .doesNotContain("no target", "old");
    }

    @Test
    void aReadmeWithoutAPlaceIsRefused() {
        assertThatThrownBy(() -> ReadmeTable.renew("nothing", folder))
                .hasMessage(
                        "README has no lines <!-- benchmarks: made by the page command --> and <!-- /benchmarks -->");
    }

    @Test
    void chartsPlaceLogarithmsEvenly() {
        Axis axis = new Axis(Chart.Scale.LOG, 1, 100, 0, 200);
        assertThat(axis.place(10)).isEqualTo(100);
        assertThat(axis.ticks()).containsExactly(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0);
        assertThat(Axis.label(200_000)).isEqualTo("200k");
        assertThat(new Axis(Chart.Scale.LINEAR, 0, 10, 0, 100).ticks()).containsExactly(0.0, 2.0, 4.0, 6.0, 8.0, 10.0);
    }
}
