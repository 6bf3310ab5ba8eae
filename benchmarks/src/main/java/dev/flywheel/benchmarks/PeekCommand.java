package dev.flywheel.benchmarks;

import dev.flywheel.core.stat.experiment.AlwaysValid;
import dev.flywheel.core.stat.experiment.Effect;
import dev.flywheel.core.stat.experiment.Lift;
import dev.flywheel.core.stat.experiment.Moments;
import dev.flywheel.core.stat.experiment.SampleSize;
import dev.flywheel.core.stat.experiment.Tail;
import dev.flywheel.core.stat.experiment.Welch;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Simulates experiments that are looked at after each observation: how many stop although there is no effect, and when
 * they stop where there is one. Seeds are fixed, so the same build gives the same figures.
 */
final class PeekCommand {

    private static final double ALPHA = 0.05;
    private static final double POWER = 0.8;
    private static final double NORMAL_QUANTILE = 1.959963984540054;
    /** In experiments on real traffic, which is neither normal nor even. */
    private static final int FIRST_LOOK = 400;

    private final int experiments;
    private final int observations;
    private final Results results = new Results("always-valid", "peek");

    private PeekCommand(int experiments, int observations) {
        this.experiments = experiments;
        this.observations = observations;
    }

    static void run(Arguments arguments) throws Exception {
        PeekCommand command =
                new PeekCommand(arguments.number("experiments", 1_000), arguments.number("observations", 100_000));
        double effect = arguments.number("effect", 10) / 100.0;
        Path out = arguments.out();
        arguments.refuseOthers();
        command.withoutEffect();
        command.withEffect(effect);
        command.results.write(out);
    }

    private void withoutEffect() {
        AlwaysValid sequence = AlwaysValid.studentized(ALPHA, observations / 10);
        BiPredicate<Moments, Moments> ours = (a, b) -> excludesZero(sequence, a, b);
        ToDoubleFunction<SplittableRandom> normal = SplittableRandom::nextGaussian;
        ToDoubleFunction<SplittableRandom> rare = random -> random.nextDouble() < 0.05 ? 1 : 0;
        ToDoubleFunction<SplittableRandom> squared = random -> {
            double error = random.nextGaussian();
            return error * error;
        };
        rate("normal, from the first observation on", stopped(0, 0, normal, ours), stopped(0, 2, normal, this::naive));
        rate(
                "one in twenty, from the 400th on",
                stopped(0, FIRST_LOOK, rare, ours),
                stopped(0, FIRST_LOOK, rare, this::naive));
        rate(
                "squared errors, from the 400th on",
                stopped(0, FIRST_LOOK, squared, ours),
                stopped(0, FIRST_LOOK, squared, this::naive));
    }

    private void rate(String data, int[] ours, int[] naive) {
        results.add(
                "wrong stops without an effect, a look after each of " + observations + " observations: " + data,
                "share of " + experiments,
                Map.of(
                        Contender.FLYWHEEL,
                        List.of(share(ours)),
                        "fixed-horizon test, looked at as often",
                        List.of(share(naive))),
                null,
                "always-valid t of alpha " + ALPHA,
                Target.atMost(ALPHA));
    }

    private void withEffect(double effect) {
        long fixed = Math.round(2 * SampleSize.ofMeans(effect, ALPHA, POWER));
        for (double thought : new double[] {1, 0.25, 4}) {
            AlwaysValid sequence = AlwaysValid.studentized(ALPHA, Math.round(fixed * thought));
            int[] stops = stopped(effect, 0, SplittableRandom::nextGaussian, (a, b) -> excludesZero(sequence, a, b));
            double median = IntStream.of(stops)
                    .sorted()
                    .skip(experiments / 2)
                    .findFirst()
                    .orElse(0);
            double mean = IntStream.of(stops).average().orElse(0);
            results.add(
                    "median observations until it stops, effect of " + effect + " standard deviations, tuned for "
                            + thought + " x the fixed size",
                    "observations",
                    Map.of(Contender.FLYWHEEL, List.of(median), Target.LIMIT, List.of((double) fixed)),
                    null,
                    "the limit is the size of the fixed-horizon test of power " + POWER
                            + ", which may be looked at once; mean "
                            + Math.round(mean) + ", stopped within the fixed size "
                            + share(IntStream.of(stops)
                                    .map(n -> n <= fixed ? n : 0)
                                    .toArray())
                            + " of the experiments, at last " + share(stops));
        }
    }

    private static boolean excludesZero(AlwaysValid sequence, Moments a, Moments b) {
        Effect effect = sequence.effect(a.sample(), b.sample(), Lift.ABSOLUTE, Tail.TWO_SIDED);
        return effect.low() > 0 || effect.high() < 0;
    }

    /** The t quantile costs more than all else, and is the normal one but for the first looks. */
    private boolean naive(Moments a, Moments b) {
        double error = Math.sqrt(a.variance() / a.n() + b.variance() / b.n());
        if (!(Math.abs(a.mean() - b.mean()) > NORMAL_QUANTILE * error)) {
            return false;
        }
        return Welch.effect(a.sample(), b.sample(), Lift.ABSOLUTE, Tail.TWO_SIDED, ALPHA)
                        .p()
                <= ALPHA;
    }

    private double share(int[] stops) {
        return IntStream.of(stops).filter(n -> n > 0).count() / (double) experiments;
    }

    /** {@return when each experiment stopped; 0 if it never did} */
    private int[] stopped(
            double effect, int firstLook, ToDoubleFunction<SplittableRandom> draw, BiPredicate<Moments, Moments> stop) {
        return IntStream.range(0, experiments)
                .parallel()
                .map(seed -> {
                    SplittableRandom random = new SplittableRandom(seed);
                    Moments a = Moments.NONE;
                    Moments b = Moments.NONE;
                    for (int n = 1; n <= observations; n++) {
                        if ((n & 1) == 0) {
                            a = a.plus(draw.applyAsDouble(random));
                        } else {
                            b = b.plus(draw.applyAsDouble(random) + effect);
                        }
                        if (n >= firstLook && stop.test(a, b)) {
                            return n;
                        }
                    }
                    return 0;
                })
                .toArray();
    }
}
