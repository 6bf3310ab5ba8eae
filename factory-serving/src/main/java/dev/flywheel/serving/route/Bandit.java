package dev.flywheel.serving.route;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A route that learns from rewards which version is best, and sends it more and more of the requests: a multi-armed
 * bandit. Thread-safe; what it has learned lives as long as this object does. Keys do not matter to it: the same key
 * may be answered by another version the next time.
 *
 * <pre>{@code
 * Bandit bandit = Bandit.thompson(1, 2, 3);
 * endpoint.route(bandit);
 * Prediction<Offer> p = endpoint.predict(visitor);
 * bandit.reward(p.version(), bought ? 1 : 0); // whenever it is known
 * }</pre>
 */
public final class Bandit implements Route {

    /** Normal posteriors are trusted from so many rewards of each version on, as in GrowthBook's bandits. */
    private static final int BURN_IN = 100;

    private final List<Integer> versions;
    private final Policy policy;
    private final double floor;
    private final Arms arms;

    private Bandit(List<Integer> versions, Policy policy, double floor, Arms arms) {
        this.versions = versions;
        this.policy = policy;
        this.floor = floor;
        this.arms = arms;
    }

    private static Bandit of(Policy policy, int... versions) {
        List<Integer> list = Arrays.stream(versions).boxed().toList();
        if (list.isEmpty() || list.stream().distinct().count() < list.size()) {
            throw new IllegalArgumentException("a bandit needs versions, each once, found " + list);
        }
        return new Bandit(list, policy, 0, new Arms(list.size()));
    }

    /**
     * {@return Thompson sampling for rewards of 0 (failure) to 1 (success): each request goes to the version whose
     * success rate, drawn from its posterior Beta(1 + successes, 1 + failures), is the highest} A reward between 0 and
     * 1 counts as a part of either. (W. R. Thompson, Biometrika 25, 1933; S. Agrawal and N. Goyal, COLT 2012.)
     */
    public static Bandit thompson(int... versions) {
        return of(Policy.BETA, versions);
    }

    /**
     * {@return Thompson sampling for rewards of any size: the mean reward of a version is drawn from a normal
     * distribution around the one seen, with the variance of that mean} Until each version has 100 rewards, all are
     * chosen alike. (S. Agrawal and N. Goyal, AISTATS 2013, with the variance estimated.)
     */
    public static Bandit gaussian(int... versions) {
        return of(Policy.NORMAL, versions);
    }

    /**
     * {@return UCB1 for rewards of 0 to 1: each request goes to the version of the highest mean + sqrt(2 ln(rewards of
     * all) / rewards of the version)} Its choice changes with rewards only, so it suits rewards that come at once;
     * where they come late, take {@link #thompson}. (P. Auer, N. Cesa-Bianchi and P. Fischer, Machine Learning 47,
     * 2002.)
     */
    public static Bandit ucb1(int... versions) {
        return of(Policy.UCB1, versions);
    }

    /**
     * {@return this bandit, learning from the same rewards, but with a least share for every version: f + (1 - n f) w
     * of the requests for one of n versions that would get the share w} As in GrowthBook's bandits.
     *
     * @param share f; from 1/n on, all versions are chosen alike. By default 0
     */
    public Bandit floor(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a floor must be 0 to 1, found " + share);
        }
        return new Bandit(versions, policy, share, arms);
    }

    /**
     * Teaches the bandit.
     *
     * @param version that made the prediction; one that is not among the bandit's is ignored
     * @param value the higher, the better; 0 to 1 unless the bandit is {@linkplain #gaussian gaussian}
     */
    public void reward(int version, double value) {
        boolean valid = policy == Policy.NORMAL ? Double.isFinite(value) : value >= 0 && value <= 1;
        if (!valid) {
            throw new IllegalArgumentException(
                    "a reward must be " + (policy == Policy.NORMAL ? "finite" : "0 to 1") + ", found " + value);
        }
        int arm = versions.indexOf(version);
        if (arm >= 0) {
            arms.reward(arm, value);
        }
    }

    /** {@return how many rewards a version has had} */
    public long rewards(int version) {
        return (long) arms.seen[3 * arm(version)];
    }

    /** {@return the mean reward of a version; NaN before the first} */
    public double mean(int version) {
        return rewards(version) == 0 ? Double.NaN : arms.seen[3 * arm(version) + 1];
    }

    private int arm(int version) {
        int arm = versions.indexOf(version);
        if (arm < 0) {
            throw new IllegalArgumentException("version " + version + " is not among " + versions);
        }
        return arm;
    }

    @Override
    public List<Integer> versions() {
        return versions;
    }

    @Override
    public int choose(@Nullable String key) {
        int count = versions.size();
        if (floor > 0 && ThreadLocalRandom.current().nextDouble() < count * floor) {
            return ThreadLocalRandom.current().nextInt(count);
        }
        return policy.choose(arms.seen, count);
    }

    @Override
    public String toString() {
        String means = IntStream.range(0, versions.size())
                .mapToObj(i ->
                        "version " + versions.get(i) + ": " + arms.seen[3 * i + 1] + " of " + (long) arms.seen[3 * i])
                .collect(Collectors.joining(", "));
        return "Bandit[" + policy.name().toLowerCase(Locale.ROOT) + ", " + means + ", floor " + floor + "]";
    }

    /** What was seen of each version: count, mean and sum of squared distances from the mean, side by side. */
    private static final class Arms {

        /** Never changed in place, so that it is read without a lock. */
        volatile double[] seen;

        Arms(int count) {
            seen = new double[3 * count];
        }

        /** Welford's update (Technometrics 4, 1962). */
        synchronized void reward(int arm, double value) {
            double[] next = seen.clone();
            int at = 3 * arm;
            double distance = value - next[at + 1];
            next[at]++;
            next[at + 1] += distance / next[at];
            next[at + 2] += distance * (value - next[at + 1]);
            seen = next;
        }
    }

    /** How a version is chosen from what was seen. */
    private enum Policy {
        BETA {
            @Override
            double score(double rewards, double mean, double squares, double logAll) {
                double successes = gamma(1 + rewards * mean);
                return successes / (successes + gamma(1 + rewards * (1 - mean)));
            }
        },
        NORMAL {
            @Override
            double score(double rewards, double mean, double squares, double logAll) {
                double variance = squares / (rewards - 1) / rewards;
                return mean + Math.sqrt(variance) * ThreadLocalRandom.current().nextGaussian();
            }

            @Override
            double least() {
                return BURN_IN;
            }
        },
        UCB1 {
            @Override
            double score(double rewards, double mean, double squares, double logAll) {
                return mean + Math.sqrt(2 * logAll / rewards);
            }

            @Override
            double least() {
                return 1;
            }
        };

        abstract double score(double rewards, double mean, double squares, double logAll);

        /** {@return the rewards that each version needs before scores mean anything} */
        double least() {
            return 0;
        }

        int choose(double[] seen, int count) {
            double all = 0;
            double fewest = Double.POSITIVE_INFINITY;
            for (int i = 0; i < count; i++) {
                all += seen[3 * i];
                fewest = Math.min(fewest, seen[3 * i]);
            }
            if (fewest < least()) {
                return ThreadLocalRandom.current().nextInt(count);
            }
            double logAll = Math.log(all);
            int best = 0;
            double highest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < count; i++) {
                double score = score(seen[3 * i], seen[3 * i + 1], seen[3 * i + 2], logAll);
                if (score > highest) {
                    highest = score;
                    best = i;
                }
            }
            return best;
        }

        /** {@return a draw from Gamma(shape, 1), shape at least 1; G. Marsaglia and W. W. Tsang, TOMS 26, 2000} */
        private static double gamma(double shape) {
            ThreadLocalRandom random = ThreadLocalRandom.current();
            double d = shape - 1.0 / 3;
            double c = 1 / Math.sqrt(9 * d);
            while (true) {
                double x = random.nextGaussian();
                double v = 1 + c * x;
                if (v > 0) {
                    v = v * v * v;
                    double u = 1 - random.nextDouble();
                    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
                        return d * v;
                    }
                }
            }
        }
    }
}
