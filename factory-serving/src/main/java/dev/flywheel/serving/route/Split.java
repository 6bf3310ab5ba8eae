package dev.flywheel.serving.route;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A route by shares: a key's hash falls into a range of 0 to 1 that belongs to a version, or into none, and then the
 * champion answers. It depends on nothing but the key and this value. Immutable.
 *
 * <p>The hash, the ranges, their coverage and the namespaces are those of GrowthBook's SDKs (specification 0.8), so
 * that assignments agree with theirs where seed and hash version do.
 */
public final class Split implements Route {

    private final List<Integer> versions;
    private final double[] weights;
    private final double coverage;
    private final double[][] ranges;
    private final Hash hash;
    private final @Nullable Namespace namespace;

    private Split(
            List<Integer> versions,
            double[] weights,
            double coverage,
            double[][] ranges,
            Hash hash,
            @Nullable Namespace namespace) {
        this.versions = versions;
        this.weights = weights;
        this.coverage = coverage;
        this.ranges = ranges;
        this.hash = hash;
        this.namespace = namespace;
    }

    /** A part of the keys that several splits divide among themselves. */
    private record Namespace(String name, Hash hash, double from, double to) {

        boolean has(@Nullable String key) {
            double at = key == null ? ThreadLocalRandom.current().nextDouble() : hash.of(key);
            return at >= from && at < to;
        }
    }

    static Split canary(int version, double share) {
        share("share", share);
        return new Split(
                List.of(version),
                new double[] {share},
                1,
                new double[][] {{0, share}},
                new Hash("canary " + version, 2),
                null);
    }

    static Split of(int... versions) {
        List<Integer> list = Arrays.stream(versions).boxed().toList();
        if (list.isEmpty() || list.stream().distinct().count() < list.size()) {
            throw new IllegalArgumentException("a split needs versions, each once, found " + list);
        }
        String seed = list.stream().map(String::valueOf).collect(Collectors.joining(" ", "split ", ""));
        double[] weights = equalWeights(list.size());
        return new Split(list, weights, 1, ranges(1, weights), new Hash(seed, 2), null);
    }

    /**
     * {@return this split with other shares} With two versions, a key whose version's share grows stays there; with
     * more, let the champion answer the rest and change the {@link #coverage}, or set {@link #ranges}.
     *
     * @param shares one for each version, in their order, each 0 to 1; together 0.99 to 1.01
     */
    public Split weights(double... shares) {
        double sum = 0;
        for (double share : shares) {
            sum += share("weight", share);
        }
        if (shares.length != versions.size() || sum < 0.99 || sum > 1.01) {
            throw new IllegalArgumentException("a split over the versions " + versions
                    + " needs as many weights, 1 in all, found " + Arrays.toString(shares));
        }
        double[] copy = shares.clone();
        return new Split(versions, copy, coverage, ranges(coverage, copy), hash, namespace);
    }

    /**
     * {@return this split over a part of the keys; the champion answers the others} When it grows, every key that had a
     * version keeps it.
     *
     * @param share 0 to 1; by default 1
     */
    public Split coverage(double share) {
        share("coverage", share);
        return new Split(versions, weights, share, ranges(share, weights), hash, namespace);
    }

    /**
     * {@return this split with ranges of hashes in place of weights and coverage}
     *
     * @param bounds from (inclusive) and to (exclusive) for each version, in their order, each 0 to 1; where ranges
     *     overlap the first one holds
     */
    public Split ranges(double... bounds) {
        if (bounds.length != 2 * versions.size()) {
            throw new IllegalArgumentException("a split over the versions " + versions
                    + " needs two bounds for each, found " + Arrays.toString(bounds));
        }
        double[][] pairs = new double[versions.size()][];
        for (int i = 0; i < pairs.length; i++) {
            double from = share("bound", bounds[2 * i]);
            double to = share("bound", bounds[2 * i + 1]);
            if (from > to) {
                throw new IllegalArgumentException(
                        "a range must not end before it starts, found " + from + " to " + to);
            }
            pairs[i] = new double[] {from, to};
        }
        return new Split(versions, weights, coverage, pairs, hash, namespace);
    }

    /**
     * {@return this split with another seed of the hash} Splits of different seeds divide the same keys independently
     * of each other. By default it is made of the numbers of the versions.
     */
    public Split seed(String text) {
        Hash other = new Hash(Objects.requireNonNull(text, "seed"), hash.version());
        return new Split(versions, weights, coverage, ranges, other, namespace);
    }

    /** {@return this split with another version of the hash: 1, or 2 (the default), which mixes better} */
    public Split hashVersion(int version) {
        return new Split(versions, weights, coverage, ranges, new Hash(hash.seed(), version), namespace);
    }

    /**
     * {@return this split for the keys in a part of a namespace; the champion answers the others} Splits in parts of
     * one namespace that do not overlap never share a key.
     *
     * @param name of the namespace
     * @param from inclusive, 0 to 1
     * @param to exclusive, 0 to 1
     */
    public Split namespace(String name, double from, double to) {
        Hash own = new Hash("__" + Objects.requireNonNull(name, "name"), 1);
        Namespace part = new Namespace(name, own, share("from", from), share("to", to));
        return new Split(versions, weights, coverage, ranges, hash, part);
    }

    @Override
    public List<Integer> versions() {
        return versions;
    }

    @Override
    public int choose(@Nullable String key) {
        if (namespace != null && !namespace.has(key)) {
            return CHAMPION;
        }
        return at(key == null ? ThreadLocalRandom.current().nextDouble() : hash.of(key));
    }

    /** {@return the place of the version whose range holds this number} */
    int at(double number) {
        for (int i = 0; i < ranges.length; i++) {
            if (number >= ranges[i][0] && number < ranges[i][1]) {
                return i;
            }
        }
        return CHAMPION;
    }

    static double[] equalWeights(int count) {
        double[] weights = new double[Math.max(0, count)];
        Arrays.fill(weights, 1.0 / count);
        return weights;
    }

    /** Each range starts where it would with full coverage, so that keys stay when the coverage grows. */
    static double[][] ranges(double coverage, double[] weights) {
        double[][] ranges = new double[weights.length][];
        double start = 0;
        for (int i = 0; i < weights.length; i++) {
            ranges[i] = new double[] {start, start + coverage * weights[i]};
            start += weights[i];
        }
        return ranges;
    }

    private static double share(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " must be 0 to 1, found " + value);
        }
        return value;
    }

    @Override
    public String toString() {
        String shares = IntStream.range(0, ranges.length)
                .mapToObj(i -> "version " + versions.get(i) + " from " + ranges[i][0] + " to " + ranges[i][1])
                .collect(Collectors.joining(", "));
        String part = namespace == null
                ? ""
                : ", namespace \"" + namespace.name() + "\" from " + namespace.from() + " to " + namespace.to();
        return "Split[" + shares + ", seed \"" + hash.seed() + "\", hash version " + hash.version() + part + "]";
    }
}
