package dev.flywheel.core.stat.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** What looking after each observation does to the rate of wrong decisions. */
class PeekingTest {

    private static final double ALPHA = 0.05;

    @Test
    void anAlwaysValidIntervalMayBeLookedAtAfterEachObservation() {
        AlwaysValid student = AlwaysValid.studentized(ALPHA, 5_000);
        double wrong = stops(200, 20_000, 2, SplittableRandom::nextGaussian, (a, b) -> excludesZero(student, a, b));
        assertThat(wrong).isLessThanOrEqualTo(ALPHA);
    }

    @Test
    void theFixedTestStopsWronglyInAThirdOfAllExperimentsIfItIsLookedAtSoOften() {
        AlwaysValid student = AlwaysValid.studentized(ALPHA, 2_000);
        AlwaysValid asymptotic = AlwaysValid.asymptotic(ALPHA, 2_000);
        Msprt sprt = new Msprt(1, 0.01);
        double naive = stops(2_000, 2_000, 100, SplittableRandom::nextGaussian, (a, b) -> {
            double error = Math.sqrt(1.0 / a.n() + 1.0 / b.n());
            return Math.abs(a.mean() - b.mean()) > 1.959964 * error;
        });
        assertThat(naive).isGreaterThan(0.25);
        double bound = ALPHA + 3 * Math.sqrt(ALPHA * (1 - ALPHA) / 2_000);
        assertThat(stops(2_000, 2_000, 100, SplittableRandom::nextGaussian, (a, b) -> excludesZero(student, a, b)))
                .isLessThanOrEqualTo(bound);
        assertThat(stops(2_000, 2_000, 100, SplittableRandom::nextGaussian, (a, b) -> excludesZero(asymptotic, a, b)))
                .isLessThanOrEqualTo(bound);
        assertThat(stops(
                        2_000,
                        2_000,
                        100,
                        SplittableRandom::nextGaussian,
                        (a, b) -> a.n() == b.n() && sprt.p(a.n(), b.mean() - a.mean()) <= ALPHA))
                .isLessThanOrEqualTo(bound);
    }

    @Test
    void manySkewedOrRareObservationsAreCoveredOnceThereAreSomeHundreds() {
        AlwaysValid student = AlwaysValid.studentized(ALPHA, 5_000);
        ToDoubleFunction<SplittableRandom> rare = random -> random.nextDouble() < 0.05 ? 1 : 0;
        ToDoubleFunction<SplittableRandom> squared = random -> {
            double error = random.nextGaussian();
            return error * error;
        };
        assertThat(stops(250, 10_000, 400, rare, (a, b) -> excludesZero(student, a, b)))
                .isLessThanOrEqualTo(ALPHA);
        assertThat(stops(250, 10_000, 400, squared, (a, b) -> excludesZero(student, a, b)))
                .isLessThanOrEqualTo(ALPHA);
    }

    @Test
    void aSampleRatioMayBeCheckedAfterEachUnit() {
        int wrong = 0;
        SplittableRandom random = new SplittableRandom(4);
        for (int experiment = 0; experiment < 200; experiment++) {
            long[] counts = new long[2];
            double p = 1;
            for (int n = 0; n < 2_000; n++) {
                counts[random.nextDouble() < 0.9 ? 0 : 1]++;
                p = Math.min(
                        p, SampleRatio.sequential(counts, new double[] {9, 1}).p());
            }
            wrong += p <= ALPHA ? 1 : 0;
        }
        assertThat(wrong).isLessThanOrEqualTo((int) (200 * ALPHA));
    }

    @Test
    void withAnEffectItStopsNotLongAfterTheFixedTestWould() {
        double effect = 0.2;
        double fixed = 2 * SampleSize.ofMeans(effect, ALPHA, 0.8);
        AlwaysValid student = AlwaysValid.studentized(ALPHA, Math.round(fixed));
        SplittableRandom random = new SplittableRandom(5);
        double[] stops = new double[400];
        for (int i = 0; i < stops.length; i++) {
            Moments a = Moments.NONE;
            Moments b = Moments.NONE;
            while (!excludesZero(student, a, b)) {
                a = a.plus(random.nextGaussian());
                b = b.plus(random.nextGaussian() + effect);
            }
            stops[i] = a.n() + b.n();
        }
        Arrays.sort(stops);
        assertThat(stops[stops.length / 2] / fixed).isBetween(0.8, 1.4);
    }

    private static boolean excludesZero(AlwaysValid sequence, Moments a, Moments b) {
        Effect effect = sequence.effect(a.sample(), b.sample(), Lift.ABSOLUTE, Tail.TWO_SIDED);
        return effect.low() > 0 || effect.high() < 0;
    }

    /** The share of experiments without an effect that are stopped, looking after each observation. */
    private static double stops(
            int experiments,
            int observations,
            int from,
            ToDoubleFunction<SplittableRandom> draw,
            BiPredicate<Moments, Moments> stop) {
        SplittableRandom random = new SplittableRandom(3);
        int wrong = 0;
        for (int experiment = 0; experiment < experiments; experiment++) {
            Moments a = Moments.NONE;
            Moments b = Moments.NONE;
            for (int n = 1; n <= observations; n++) {
                if ((n & 1) == 0) {
                    a = a.plus(draw.applyAsDouble(random));
                } else {
                    b = b.plus(draw.applyAsDouble(random));
                }
                if (n >= from && stop.test(a, b)) {
                    wrong++;
                    break;
                }
            }
        }
        return (double) wrong / experiments;
    }
}
