package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Real data, with numbers computed by SciPy: our exact functions agree, and the sketches keep to their error. */
class DriftReferenceTest {

    private static final double FLOOR = 1e-6;

    private final Map<String, SharedData.Table> tables = new HashMap<>();

    private record Split(IntPredicate reference, IntPredicate window) {}

    @Test
    void agreesOnRealDataExactlyAndFromSketchesWithinTheirError() {
        JsonNode cases = SharedData.json("data/reference/drift_reference.json").get("cases");
        assertThat(cases).hasSize(59);
        for (JsonNode c : cases) {
            SharedData.Table table =
                    tables.computeIfAbsent(c.get("file").asText().replaceAll(".*/|\\.csv", ""), SharedData.Table::of);
            Split split = split(table, c.get("window").asText());
            switch (c.get("type").asText()) {
                case "numeric" -> numbers(c, table, split);
                case "categorical" -> categories(c, table, split);
                default -> missing(c, table, split);
            }
        }
    }

    private static void numbers(JsonNode c, SharedData.Table table, Split split) {
        double[] all = c.get("column").asText().startsWith("hour(")
                ? Arrays.stream(table.texts("dep_time"))
                        .mapToDouble(t -> Integer.parseInt(t.substring(11, 13)))
                        .toArray()
                : table.numbers(c.get("column").asText());
        double[] r = chosen(all, split.reference);
        double[] w = chosen(all, split.window);
        String name = c.get("column") + " " + c.get("window");
        assertThat(r).as(name).hasSize(c.get("n_ref").asInt());
        assertThat(w).as(name).hasSize(c.get("n_cur").asInt());
        exact(name, c, r, w);
        sketched(name, c, r, w);
    }

    private static void exact(String name, JsonNode c, double[] r, double[] w) {
        TestResult ks = TwoSample.kolmogorovSmirnov(r, w, TwoSample.Side.EITHER);
        is(name + " ks", ks.statistic(), c.get("ks"), 1e-9);
        is(name + " ks p", ks.p(), c.get("ks_p"), 1e-7);
        is(name + " wasserstein", TwoSample.wasserstein(r, w), c.get("wasserstein"), 1e-9);
        TestResult welch = TwoSample.welch(r, w);
        is(name + " t", welch.statistic(), c.get("welch_t"), 1e-8);
        is(name + " t p", welch.p(), c.get("welch_p"), 1e-6);
        TestResult ranks = TwoSample.mannWhitney(r, w);
        is(name + " u", ranks.statistic(), c.get("mannwhitney_u"), 1e-12);
        is(name + " u p", ranks.p(), c.get("mannwhitney_p"), 1e-7);
        if (!c.get("cvm").isNull()) {
            is(name + " cvm", TwoSample.cramerVonMises(r, w).statistic(), c.get("cvm"), 1e-8);
        }
        Weighted reference = Weighted.of(r);
        double[] borders = reference.borders(10);
        long[] rBins = reference.histogram(borders);
        long[] wBins = Weighted.of(w).histogram(borders);
        is(name + " psi", Divergence.psi(rBins, wBins, FLOOR), c.get("psi"), 1e-8);
        is(name + " js", Divergence.jensenShannon(rBins, wBins), c.get("js"), 1e-8);
    }

    private static void sketched(String name, JsonNode c, double[] r, double[] w) {
        Schema schema = Schema.of(Rows.column("x", ColumnType.NUMBER));
        Profile reference = Profile.of(schema);
        Arrays.stream(r).forEach(x -> reference.add(Rows.row(schema, x)));
        Profile window = reference.window();
        Arrays.stream(w).forEach(x -> window.add(Rows.row(schema, x)));
        ColumnProfile known = reference.column("x");
        is(name + " mean", known.mean(), c.get("mean_ref"), 1e-9);
        is(name + " mean", window.column("x").mean(), c.get("mean_cur"), 1e-9);
        double error = known.numbers().ranks().error()
                + window.column("x").numbers().ranks().error();
        Weighted.Gap gap = known.numbers()
                .ranks()
                .weighted()
                .gap(window.column("x").numbers().ranks().weighted());
        // the error is that of one rank with 99% confidence; the largest of all ranks is at most twice it here
        assertThat(gap.largest())
                .as(name + " ks from sketches")
                .isCloseTo(c.get("ks").asDouble(), within(2 * error + 1e-12));
        double deviation = known.deviation();
        ColumnDrift.Values values = Comparison.of(reference, window).column("x").values();
        assertThat(values.wasserstein())
                .as(name + " wasserstein from sketches")
                .isCloseTo(c.get("wasserstein").asDouble() / deviation, within(0.02 + 4 * error));
        Weighted exact = Weighted.of(r);
        double[] borders = exact.borders(10);
        long[] rBins = exact.histogram(borders);
        double psi = Divergence.psi(rBins, Weighted.of(w).histogram(borders))
                - Divergence.expectedPsi(rBins.length, r.length, w.length);
        assertThat(values.psi())
                .as(name + " psi from sketches")
                .isCloseTo(Math.max(0, psi), within(0.02 + 0.1 * Math.abs(psi)));
        assertThat(values.jensenShannon())
                .as(name + " js from sketches")
                .isCloseTo(c.get("js").asDouble(), within(0.03));
    }

    private static void categories(JsonNode c, SharedData.Table table, Split split) {
        String[] all = table.texts(c.get("column").asText());
        String[] r = chosen(all, split.reference);
        String[] w = chosen(all, split.window);
        Set<String> names = new TreeSet<>(Arrays.asList(r));
        names.addAll(Arrays.asList(w));
        long[] rCounts = counts(names, r);
        long[] wCounts = counts(names, w);
        String name = c.get("column") + " " + c.get("window");
        assertThat(names).as(name).hasSize(c.get("categories").asInt());
        TestResult test = CategoryTests.chiSquare(rCounts, wCounts);
        is(name + " chi2", test.statistic(), c.get("chi2"), 1e-9);
        is(name + " chi2 p", test.p(), c.get("chi2_p"), 1e-7);
        is(name + " tvd", Divergence.totalVariation(rCounts, wCounts), c.get("tvd"), 1e-9);
        is(name + " js", Divergence.jensenShannon(rCounts, wCounts), c.get("js"), 1e-9);
        is(name + " psi", Divergence.psi(rCounts, wCounts, FLOOR), c.get("psi"), 1e-6);
        Schema schema = Schema.of(Rows.column("x", ColumnType.TEXT));
        Profile reference = Profile.of(schema);
        Arrays.stream(r).forEach(x -> reference.add(Rows.row(schema, x)));
        Profile window = reference.window();
        Arrays.stream(w).forEach(x -> window.add(Rows.row(schema, x)));
        assertThat(names.stream().mapToLong(window.column("x").texts()::count).toArray())
                .isEqualTo(wCounts);
    }

    private static void missing(JsonNode c, SharedData.Table table, Split split) {
        double[] all = table.numbers(c.get("column").asText());
        Schema schema = Schema.of(Rows.column("x", ColumnType.NUMBER));
        Profile reference = Profile.of(schema);
        Profile window = reference.window();
        for (int i = 0; i < all.length; i++) {
            if (split.reference.test(i)) {
                reference.add(Rows.row(schema, all[i]));
            }
            if (split.window.test(i)) {
                window.add(Rows.row(schema, all[i]));
            }
        }
        ColumnDrift drift = Comparison.of(reference, window).column("x");
        is("missing", drift.missing().reference(), c.get("missing_ref"), 1e-12);
        is("missing", drift.missing().window(), c.get("missing_cur"), 1e-12);
        assertThat(drift.state())
                .isEqualTo(c.get("missing_cur").asDouble() == 1 ? ColumnDrift.State.STABLE : ColumnDrift.State.DRIFTED);
    }

    private static Split split(SharedData.Table table, String window) {
        if (window.startsWith("NO-DRIFT")) {
            return new Split(i -> i % 2 == 0, i -> i % 2 == 1);
        }
        if (window.contains("dep_time")) {
            String[] times = table.texts("dep_time");
            String month = window.substring(window.indexOf("cur ") + 4);
            return new Split(i -> times[i].compareTo("2001-04") < 0, i -> times[i].startsWith(month));
        }
        int[] years = table.names().contains("year")
                ? Arrays.stream(table.texts("year")).mapToInt(Integer::parseInt).toArray()
                : Arrays.stream(table.texts("date"))
                        .mapToInt(d -> Integer.parseInt(d.substring(0, 4)))
                        .toArray();
        String[] span = window.substring(window.indexOf("cur ") + 4).split("-", -1);
        int last = Integer.parseInt(window.replaceAll(".*<=(\\d+),.*", "$1"));
        int from = Integer.parseInt(span[0]);
        int to = Integer.parseInt(span[span.length - 1]);
        return new Split(i -> years[i] <= last, i -> years[i] >= from && years[i] <= to);
    }

    private static double[] chosen(double[] all, IntPredicate rows) {
        return IntStream.range(0, all.length)
                .filter(i -> rows.test(i) && !Double.isNaN(all[i]))
                .mapToDouble(i -> all[i])
                .toArray();
    }

    private static String[] chosen(String[] all, IntPredicate rows) {
        return IntStream.range(0, all.length)
                .filter(i -> rows.test(i) && !all[i].isEmpty())
                .mapToObj(i -> all[i])
                .toArray(String[]::new);
    }

    private static long[] counts(Set<String> names, String[] sample) {
        Map<String, Long> counts = new HashMap<>();
        Arrays.stream(sample).forEach(x -> counts.merge(x, 1L, Long::sum));
        return names.stream().mapToLong(x -> counts.getOrDefault(x, 0L)).toArray();
    }

    private static void is(String name, double actual, JsonNode expected, double relative) {
        double e = expected.asDouble();
        assertThat(actual).as(name).isCloseTo(e, within(relative * Math.max(Math.abs(e), 1e-300)));
    }
}
