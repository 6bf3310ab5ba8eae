package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the sketches promise, and that they keep it. */
class SketchTest {

    /** Two-sided rank error at 99%; asserted for every sketch of a fixed seed, so with room for the hundredth. */
    private static final double BOUND = 0.0041;

    @Test
    void holdsEveryNumberUpToItsCapacity() {
        Kll sketch = new Kll();
        double[] numbers = new Random(1).doubles(Kll.K).toArray();
        Arrays.stream(numbers).forEach(sketch::add);
        assertThat(sketch.error()).isZero();
        Weighted exact = Weighted.of(numbers);
        assertThat(sketch.weighted().values()).isEqualTo(exact.values());
        assertThat(sketch.weighted().upTo()).isEqualTo(exact.upTo());
    }

    @Test
    void keepsItsRankErrorInAnyOrderOfNumbers() {
        int n = 200_000;
        double[] ascending = IntStream.range(0, n).mapToDouble(i -> i).toArray();
        double[] descending = IntStream.range(0, n).mapToDouble(i -> n - 1 - i).toArray();
        double[] zigzag =
                IntStream.range(0, n).mapToDouble(i -> i % 2 == 0 ? i : n - i).toArray();
        double[] random = new Random(2).doubles(n).toArray();
        double[] skewed = new Random(3).doubles(n).map(x -> Math.exp(20 * x)).toArray();
        double[] ties = new Random(4).ints(n, 0, 7).asDoubleStream().toArray();
        for (double[] numbers : new double[][] {ascending, descending, zigzag, random, skewed, ties}) {
            Kll sketch = new Kll();
            Arrays.stream(numbers).forEach(sketch::add);
            assertThat(sketch.count()).isEqualTo(n);
            assertThat(rankError(sketch, numbers)).isLessThan(BOUND);
        }
    }

    @Test
    void keepsItsRankErrorWhenMerged() {
        double[] numbers = new Random(5).doubles(300_000).toArray();
        for (int parts : new int[] {2, 30, 1000}) {
            Kll[] sketches = IntStream.range(0, parts).mapToObj(i -> new Kll()).toArray(Kll[]::new);
            for (int i = 0; i < numbers.length; i++) {
                sketches[(int) ((long) i * parts / numbers.length)].add(numbers[i]);
            }
            Kll merged = new Kll();
            for (Kll sketch : sketches) {
                merged.merge(sketch);
            }
            assertThat(merged.count()).isEqualTo(numbers.length);
            assertThat(rankError(merged, numbers)).isLessThan(BOUND);
        }
    }

    @Test
    void mergingAnEmptySketchChangesNothing() {
        Kll sketch = new Kll();
        new Random(6).doubles(5000).forEach(sketch::add);
        double[][] before = sketch.levels();
        sketch.merge(new Kll());
        assertThat(sketch.levels()).isDeepEqualTo(before);
        Kll empty = new Kll();
        empty.merge(sketch);
        assertThat(empty.count()).isEqualTo(5000);
    }

    @Test
    void staysWithinTheErrorThatItStatesInNinetyNineOfAHundredSketches() {
        int beyond = 0;
        for (int seed = 0; seed < 100; seed++) {
            double[] numbers = new Random(1000 + seed).doubles(30_000).toArray();
            Kll sketch = new Kll();
            Arrays.stream(numbers).forEach(sketch::add);
            Weighted found = sketch.weighted();
            // at one point, here the median, as the single-sided bound says it
            double rank = found.histogram(new double[] {0.5})[0] / 30_000.0;
            double exact = Arrays.stream(numbers).filter(x -> x < 0.5).count() / 30_000.0;
            beyond += Math.abs(rank - exact) > sketch.error() ? 1 : 0;
        }
        assertThat(beyond).isLessThanOrEqualTo(4);
    }

    private static double rankError(Kll sketch, double[] numbers) {
        return sketch.weighted().gap(Weighted.of(numbers)).largest();
    }

    @Test
    void computesMomentsAsTheReferencesDo() {
        for (JsonNode c : SharedData.json("vectors/sketches_and_triggers.json").get("cases")) {
            if (c.get("kind").asText().startsWith("welford")) {
                double[] x = SharedData.numbers(c.get("x"));
                for (int split = 0; split <= x.length; split++) {
                    Moments first = new Moments();
                    Moments second = new Moments();
                    Arrays.stream(x, 0, split).forEach(first::add);
                    Arrays.stream(x, split, x.length).forEach(second::add);
                    first.merge(second);
                    double tolerance = c.get("abs_tol").asDouble();
                    JsonNode e = c.get("expected");
                    assertThat(first.mean).isCloseTo(e.get("mean").asDouble(), within(tolerance));
                    double sample = first.variance() * x.length / (x.length - 1);
                    assertThat(sample).isCloseTo(e.get("var_sample").asDouble(), within(tolerance));
                }
            }
        }
    }

    @Test
    void estimatesDifferentTextsWithinThreeStandardErrors() {
        for (int n : new int[] {10, 1000, 10_000, 100_000, 300_000}) {
            HyperLogLog sketch = new HyperLogLog();
            for (int i = 0; i < n; i++) {
                sketch.add("id-" + i);
            }
            assertThat((double) sketch.estimate()).isCloseTo(n, within(Math.max(1, 0.049 * n)));
        }
    }

    @Test
    void holdsTheFrequentTextsOfManyAndTheirCountsFallShortByNoMoreThanItSays() {
        Random random = new Random(8);
        Map<String, Long> exact = new HashMap<>();
        Categories whole = new Categories();
        Categories merged = new Categories();
        Categories part = new Categories();
        int n = 200_000;
        for (int i = 0; i < n; i++) {
            // a long tail: a share of 1/2 are among few
            String text = "t" + (long) Math.exp(random.nextDouble() * 10);
            exact.merge(text, 1L, Long::sum);
            whole.add(text);
            part.add(text);
            if (i % 7919 == 0) {
                merged.merge(part);
                part = new Categories();
            }
        }
        merged.merge(part);
        for (Categories categories : new Categories[] {whole, merged}) {
            assertThat(categories.total()).isEqualTo(n);
            assertThat(categories.complete()).isFalse();
            exact.forEach((text, count) ->
                    assertThat(categories.count(text)).as(text).isBetween(count - n / (Categories.KEPT + 1), count));
            assertThat((double) categories.distinct()).isCloseTo(exact.size(), within(0.05 * exact.size()));
        }
    }

    @Test
    void countsListedTextsExactlyHoweverManyOthersThereAre() {
        Categories reference = new Categories();
        for (int i = 0; i < 400; i++) {
            reference.add("known " + i);
        }
        Categories window = reference.fresh();
        for (int i = 0; i < 100_000; i++) {
            window.add("unknown " + i);
            if (i % 100 == 0) {
                window.add("known " + i / 100 % 400);
            }
        }
        assertThat(IntStream.range(0, 400)
                        .mapToLong(i -> window.count("known " + i))
                        .sum())
                .isEqualTo(1000);
        assertThat(window.count("known 7")).isEqualTo(3);
    }
}
