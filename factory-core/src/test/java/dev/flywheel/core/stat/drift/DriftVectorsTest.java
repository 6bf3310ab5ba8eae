package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.stat.NumpyRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Published and recomputed numbers of SciPy, Evidently, NannyML, TFDV and Deequ. */
class DriftVectorsTest {

    /** Replaces shares of zero as Evidently does: its two distributions each by their own least share. */
    private static final double FLOOR = 0.0001;

    @TestFactory
    Stream<DynamicTest> agreesWithTheReferences() {
        JsonNode cases = SharedData.json("vectors/drift_two_sample.json").get("cases");
        assertThat(cases).hasSize(84);
        return IntStream.range(0, cases.size())
                .mapToObj(i -> DynamicTest.dynamicTest(
                        i + " " + cases.get(i).get("method").asText(), () -> check(cases.get(i))));
    }

    private static void check(JsonNode c) {
        String method = c.get("method").asText();
        JsonNode in = c.get("input");
        Expected e = new Expected(c.get("expected"), c.get("abs_tol").asDouble());
        if (method.startsWith("contract:")) {
            contract(method, in, e);
        } else if (method.startsWith("tfdv")) {
            tfdv(method, in, e);
        } else if (in.has("ref_counts")) {
            counts(method, SharedData.counts(in.get("ref_counts")), SharedData.counts(in.get("cur_counts")), e);
        } else if (in.has("x") || in.has("x_linspace") || in.has("x_values")) {
            samples(method, in, e);
        } else {
            other(method, in, e);
        }
    }

    private static void counts(String method, long[] r, long[] w, Expected e) {
        switch (method) {
            case "chi2_gof_scaled" -> e.test(CategoryTests.chiSquareFit(r, w));
            // Evidently forgets to scale the reference; with equal sizes that changes nothing
            case "g_test_gof" -> e.test(CategoryTests.gTestFit(r, w));
            case "hellinger_categorical" -> e.is("distance", Divergence.hellinger(r, w));
            // Evidently's p-value hangs on its random permutations and is not asserted; the distance is
            case "total_variation_distance" -> e.is("distance", Divergence.totalVariation(r, w));
            case "jensenshannon_distance_base_2" -> e.is("distance", Divergence.jensenShannon(r, w));
            case "jensenshannon_distance_base_e" ->
                e.is("distance", Divergence.jensenShannon(r, w) * Math.sqrt(Math.log(2)));
            case "psi_evidently_fill" -> e.is("psi", Divergence.psi(r, w, FLOOR));
            case "psi_no_zero_bins" -> e.is("psi", Divergence.psi(r, w, 0));
            case "kl_divergence_evidently_fill" -> e.is("kl", Divergence.kullbackLeibler(r, w, FLOOR));
            default -> throw new AssertionError("no test of " + method);
        }
    }

    private static void samples(String method, JsonNode in, Expected e) {
        double[] x = sample(in, "x");
        double[] y = sample(in, "y");
        TwoSample.Side side = in.has("alternative") ? side(in.get("alternative").asText()) : TwoSample.Side.EITHER;
        switch (method) {
            case "ks_2samp_exact" -> e.test(TwoSample.kolmogorovSmirnovExact(x, y, side));
            case "ks_2samp_asymptotic" -> e.test(TwoSample.kolmogorovSmirnov(x, y, side));
            case "anderson_ksamp_midrank" -> e.test(TwoSample.andersonDarling(x, y));
            case "t_test_equal_var" -> e.test(TwoSample.student(x, y));
            case "t_test_welch" -> e.test(TwoSample.welch(x, y));
            case "cramer_von_mises_2samp_asymptotic" -> e.test(TwoSample.cramerVonMises(x, y));
            case "epps_singleton" -> e.test(TwoSample.eppsSingleton(x, y));
            case "energy_distance" -> e.is("distance", TwoSample.energy(x, y));
            case "wasserstein_1d" -> {
                e.is("distance", TwoSample.wasserstein(x, y));
                Moments moments = new Moments();
                Arrays.stream(x).forEach(moments::add);
                e.is("normed_by_ref_population_std", TwoSample.wasserstein(x, y) / Math.sqrt(moments.variance()));
            }
            case "mann_whitney_u_asymptotic_ties" -> {
                // Evidently looks at one side only and so misses every move downwards; ours is two-sided
                TestResult both = TwoSample.mannWhitney(x, y);
                e.is("statistic", both.statistic());
                e.is("pvalue_two_sided", both.p());
                TestResult less = RankTests.mannWhitney(Weighted.of(x), Weighted.of(y), TwoSample.Side.FIRST_SMALLER);
                e.is("pvalue_less", less.p());
            }
            default -> throw new AssertionError("no test of " + method);
        }
    }

    private static void other(String method, JsonNode in, Expected e) {
        switch (method) {
            case "fisher_exact_2x2" -> {
                JsonNode t = in.get("table");
                long[] a = SharedData.counts(t.get(0));
                long[] b = SharedData.counts(t.get(1));
                e.is("pvalue", CategoryTests.fisherExact(a[0], a[1], b[0], b[1]).p());
            }
            case "two_proportion_z" -> {
                long[] k = SharedData.counts(in.get("success"));
                long[] n = SharedData.counts(in.get("n"));
                TestResult test = CategoryTests.proportions(k[0], n[0], k[1], n[1]);
                e.is("z", test.statistic());
                e.is("pvalue", test.p());
            }
            case "l_infinity_categorical" -> {
                List<String> r = texts(in.get("ref"));
                List<String> w = texts(in.get("cur"));
                e.is("distance", Divergence.largestDifference(tally(r, r, w), tally(w, r, w)));
            }
            case "wasserstein_1d_seeded" -> {
                NumpyRandom random = new NumpyRandom(1);
                double[] r = IntStream.range(0, 10_000)
                        .mapToDouble(i -> random.nextGaussian())
                        .toArray();
                double[] w = IntStream.range(0, 1_000)
                        .mapToDouble(i -> 1 + random.nextGaussian())
                        .toArray();
                e.is("distance", TwoSample.wasserstein(r, w));
            }
            default -> throw new AssertionError("no test of " + method);
        }
    }

    private static void tfdv(String method, JsonNode in, Expected e) {
        if (method.equals("tfdv_jsd_histogram_base2")) {
            List<Bucket> a = buckets(in.get("a"));
            List<Bucket> b = buckets(in.get("b"));
            if (e.values.has("error")) {
                assertThatThrownBy(() -> Divergence.jensenShannon(a, b))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("a histogram needs rows, found an empty histogram");
            } else {
                e.is("jsd", Math.pow(Divergence.jensenShannon(a, b), 2));
            }
            return;
        }
        List<String> names = new ArrayList<>(
                new TreeSet<>(Stream.concat(names(in.get("training")).stream(), names(in.get("serving")).stream())
                        .toList()));
        double[] r = weights(names, in.get("training"));
        double[] w = weights(names, in.get("serving"));
        e.is(
                "distance",
                method.endsWith("infinity")
                        ? Divergence.largestDifference(r, w)
                        : Divergence.normalizedDifference(r, w));
    }

    private static void contract(String method, JsonNode in, Expected e) {
        switch (method) {
            case "contract:fisher_rejects_nulls" ->
                assertThatThrownBy(() -> CategoryTests.fisherExact(texts(in.get("x")), texts(in.get("y"))))
                        .isInstanceOf(NullPointerException.class)
                        .hasMessage("Fisher's exact test takes no missing values");
            case "contract:fisher_rejects_gt2_categories" ->
                assertThatThrownBy(() -> CategoryTests.fisherExact(texts(in.get("x")), texts(in.get("y"))))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage(
                                "Fisher's exact test takes two categories, found more than 2 categories: [a, b, c]");
            // Evidently leaves significance out above 1,000 rows and effects below; ours asks for both at every size,
            // as ComparisonTest shows
            case "contract:default_test_selection" ->
                assertThat(e.values.get("note").asText()).isEqualTo("Evidently defaults");
            default -> throw new AssertionError("no test of " + method);
        }
    }

    private record Expected(JsonNode values, double tolerance) {
        void is(String name, double actual) {
            assertThat(actual).as(name).isCloseTo(values.get(name).asDouble(), within(tolerance));
        }

        void test(TestResult actual) {
            is("statistic", actual.statistic());
            is("pvalue", actual.p());
        }
    }

    private static TwoSample.Side side(String alternative) {
        return switch (alternative) {
            case "greater" -> TwoSample.Side.FIRST_SMALLER;
            case "less" -> TwoSample.Side.FIRST_GREATER;
            default -> TwoSample.Side.EITHER;
        };
    }

    private static double[] sample(JsonNode in, String name) {
        if (in.has(name)) {
            return SharedData.numbers(in.get(name));
        }
        if (in.has(name + "_values")) {
            long[] counts = SharedData.counts(in.get(name + "_counts"));
            double[] values = SharedData.numbers(in.get(name + "_values"));
            return IntStream.range(0, counts.length)
                    .boxed()
                    .flatMapToDouble(i -> IntStream.range(0, (int) counts[i]).mapToDouble(k -> values[i]))
                    .toArray();
        }
        double[] span = SharedData.numbers(in.get(name + "_linspace"));
        return IntStream.range(0, (int) span[2])
                .mapToDouble(i -> span[0] + i * ((span[1] - span[0]) / (span[2] - 1)))
                .toArray();
    }

    private static List<@Nullable String> texts(JsonNode array) {
        List<@Nullable String> texts = new ArrayList<>();
        array.forEach(v -> texts.add(v.isNull() ? null : v.asText()));
        return texts;
    }

    private static long[] tally(List<String> sample, List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream())
                .distinct()
                .sorted()
                .mapToLong(c -> sample.stream().filter(c::equals).count())
                .toArray();
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        Iterator<String> fields = object.fieldNames();
        fields.forEachRemaining(names::add);
        return names;
    }

    private static double[] weights(List<String> names, JsonNode object) {
        return names.stream().mapToDouble(n -> object.path(n).asDouble(0)).toArray();
    }

    private static List<Bucket> buckets(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(b -> new Bucket(
                        b.get("low").asDouble(),
                        b.get("high").asDouble(),
                        b.get("count").asDouble()))
                .toList();
    }
}
